"""A real HTTP server that speaks the API: chat completions with structured output, files and batches.

Its model reads the facts in the request and writes true sentences. On demand it throttles, stays silent, answers with
broken JSON, refuses, fails, or says what is not so; it counts what it was asked and what it charged.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
import threading
import time
import uuid
from collections import Counter
from email.parser import BytesParser
from typing import Any

from tests.acquire.server import Handler, Server

FAULTS = ("throttled", "silent", "torn", "unformed", "refused", "failed", "untrue")
PRICES = {"input": 2.0, "output": 8.0}
PICTURE_TOKENS = 85
FALSE = {"sentences": ["A lake of 77 km lies under dense forest."], "landforms": ["other"], "places": []}
WORDS = ("low", "broad", "long", "open", "even", "worn", "rounded", "uneven")


class Api:
    """The server.

    Attributes:
        shares: share of the requests that suffer each fault. silence_s: how long a silent answer is awaited in vain.
        asked: requests by the hash of their body. charged: US dollars. did: faults by kind.
        repeated: requests that came again after an answer that was good. most_at_once: requests at the same time.
    """

    def __init__(self, shares: dict[str, float] | None = None, seed: int = 0, silence_s: float = 2.0):
        self.server = Server()
        self.shares, self.silence_s = shares or {}, silence_s
        self.asked, self.did, self.charged, self.repeated = Counter[str](), Counter[str](), 0.0, 0
        self.good: set[str] = set()
        self.active = self.most_at_once = self.files_sent = 0
        self.queue_full = 0  # batches to refuse because the queue is full
        self.expires = False  # whether a batch ends with half of its answers
        self.looks = 2  # looks at a batch before it has ended
        self.drop_created = 0  # answers about a created batch to lose on their way
        self.key: str | None = None  # the only key that is let in; None: every key
        self._files: dict[str, bytes] = {}
        self._batches: dict[str, dict[str, Any]] = {}
        self._random, self._lock = random.Random(seed), threading.Lock()
        self.server.routes["/v1/chat/completions"] = self._complete
        self.server.routes["/v1/files"] = self._upload
        self.server.routes["/v1/files/*"] = self._file
        self.server.routes["/v1/batches"] = self._batch
        self.server.routes["/v1/batches/*"] = self._look

    @property
    def url(self) -> str:
        return f"{self.server.url}/v1"

    @property
    def requests(self) -> int:
        """Requests for a text, alone or in batches."""
        return sum(self.asked.values())

    def __enter__(self) -> Api:
        return self

    def __exit__(self, *_: object) -> None:
        self.server.close()

    def _fault(self) -> str | None:
        with self._lock:
            at = self._random.random()
            for kind in FAULTS:
                if at < self.shares.get(kind, 0.0):
                    self.did[kind] += 1
                    return kind
                at -= self.shares.get(kind, 0.0)
        return None

    def _complete(self, handler: Handler) -> None:
        if self.key and handler.headers.get("Authorization") != f"Bearer {self.key}":
            handler.answer(401, b'{"error": {"message": "no such key", "code": "invalid_api_key"}}')
            return
        with self._lock:
            self.active += 1
            self.most_at_once = max(self.most_at_once, self.active)
        try:
            self._answer(handler)
        finally:
            with self._lock:
                self.active -= 1

    def _answer(self, handler: Handler) -> None:
        body = json.loads(handler.body)
        fault = self._fault()
        name = self._count(body)
        if fault == "throttled":
            handler.answer(429, b'{"error": {"message": "slow down", "code": "rate_limit_exceeded"}}', Retry_After=1)
        elif fault == "failed":
            handler.answer(500, b'{"error": {"message": "something broke"}}')
        elif fault == "silent":
            self._charge(body, 40, 1.0)  # it was answered, and the answer never arrives
            time.sleep(self.silence_s)
            handler.close_connection = True
        elif fault == "torn":
            text = json.dumps(self._made(body, name, None, 1.0)).encode()
            self.good.discard(name)  # its answer is lost
            handler.answer(200, text[: len(text) // 2], Content_Type="application/json")
        else:
            handler.answer(
                200, json.dumps(self._made(body, name, fault, 1.0)).encode(), Content_Type="application/json"
            )

    def _count(self, body: dict[str, Any]) -> str:
        name = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        with self._lock:
            self.asked[name] += 1
            self.repeated += name in self.good
        return name

    def _made(self, body: dict[str, Any], name: str, fault: str | None, price: float) -> dict[str, Any]:
        """The body of an answer. A good one is noted, so that its repetition is seen."""
        message: dict[str, Any] = {"role": "assistant", "content": None, "refusal": None}
        if fault == "refused":
            message["refusal"] = "I cannot help with that."
        elif fault == "untrue":
            message["content"] = json.dumps(FALSE)
        elif fault == "unformed":
            message["content"] = '{"sentences": "A slope."'
        else:
            message["content"] = json.dumps(write(body))
        if fault is None:
            with self._lock:
                self.good.add(name)
        out = len(message["content"] or "") // 4 + 5
        usage = self._charge(body, out, price)
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return {
            "id": "c", "object": "chat.completion", "created": 0, "model": f"{body['model']}-1",
            "choices": [choice], "usage": usage,
        }  # fmt: skip

    def _charge(self, body: dict[str, Any], out: int, price: float) -> dict[str, int]:
        text = body["messages"][0]["content"] + body["messages"][1]["content"][0]["text"]
        into = len(text) // 4 + PICTURE_TOKENS
        with self._lock:
            self.charged += price * (into * PRICES["input"] + out * PRICES["output"]) / 1e6
        return {"prompt_tokens": into, "completion_tokens": out, "total_tokens": into + out}

    def _upload(self, handler: Handler) -> None:
        head = b"Content-Type: " + handler.headers["Content-Type"].encode() + b"\r\n\r\n"
        parts = {
            part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
            for part in BytesParser().parsebytes(head + handler.body).get_payload()
        }
        assert parts["purpose"] == b"batch"
        identity = f"file-{uuid.uuid4().hex}"
        self._files[identity] = parts["file"]
        self.files_sent += 1
        handler.json(self._about(identity))

    def _about(self, identity: str) -> dict[str, Any]:
        told = {"id": identity, "object": "file", "bytes": len(self._files[identity]), "created_at": 0}
        return told | {"filename": "f.jsonl", "purpose": "batch", "status": "processed"}

    def _file(self, handler: Handler) -> None:
        identity = handler.path.split("/")[3]
        if handler.path.endswith("/content"):
            handler.answer(200, self._files[identity], Content_Type="application/octet-stream")
        else:
            handler.json(self._about(identity))

    def _batch(self, handler: Handler) -> None:
        if handler.command == "GET":
            every = [batch for batch, _ in self._known()]
            handler.json({"object": "list", "data": every, "has_more": False, "first_id": None, "last_id": None})
            return
        body = json.loads(handler.body)
        assert body["endpoint"] == "/v1/chat/completions" and body["completion_window"] == "24h"
        identity = f"batch-{uuid.uuid4().hex}"
        told = {
            "id": identity,
            "object": "batch",
            "endpoint": body["endpoint"],
            "created_at": 0,
            "status": "validating",
        }
        told |= {"completion_window": "24h", "input_file_id": body["input_file_id"], "metadata": body["metadata"]}
        self._batches[identity] = told | {"looks": 0}
        if self.queue_full > 0:
            self.queue_full -= 1
            errors = [{"code": "token_limit_exceeded", "message": "Enqueued token limit reached"}]
            self._batches[identity] |= {"status": "failed", "errors": {"object": "list", "data": errors}}
        if self.drop_created > 0:
            self.drop_created -= 1
            handler.close_connection = True
            return
        handler.json(self._plain(identity))

    def _known(self) -> list[tuple[dict[str, Any], str]]:
        return [(self._plain(identity), identity) for identity in self._batches]

    def _plain(self, identity: str) -> dict[str, Any]:
        return {name: value for name, value in list(self._batches[identity].items()) if name != "looks"}

    def _look(self, handler: Handler) -> None:
        identity = handler.path.split("/")[3]
        batch = self._batches[identity]
        batch["looks"] += 1
        with self._lock:
            if batch["status"] == "validating":
                batch["status"] = "in_progress"
            ready = batch["status"] == "in_progress" and batch["looks"] >= self.looks
            if ready:
                batch["status"] = "finalizing"
        if ready:
            threading.Thread(target=self._work, args=(batch,), daemon=True).start()
        handler.json(self._plain(identity))

    def _work(self, batch: dict[str, Any]) -> None:
        """Answer the requests of a batch, in another order; half of them if it expires."""
        lines = [json.loads(line) for line in self._files[batch["input_file_id"]].splitlines()]
        self._random.shuffle(lines)
        done, failed = [], []
        for number, line in enumerate(lines):
            fault = self._fault()
            told: dict[str, Any] = {"id": str(number), "custom_id": line["custom_id"], "response": None, "error": None}
            if self.expires and number % 2:
                failed.append(
                    told | {"error": {"code": "batch_expired", "message": "This request could not be executed"}}
                )
                continue
            name = self._count(line["body"])
            if fault in ("throttled", "failed", "silent"):
                status = 429 if fault == "throttled" else 500
                failed.append(told | {"response": {"status_code": status, "request_id": "r", "body": {"error": {}}}})
                continue
            body = self._made(line["body"], name, None if fault == "torn" else fault, 0.5)
            answered = json.dumps(told | {"response": {"status_code": 200, "request_id": "r", "body": body}})
            done.append(answered[: len(answered) // 2] if fault == "torn" else answered)
            if fault == "torn":
                self.good.discard(name)  # its answer is lost
        output, errors = f"file-{uuid.uuid4().hex}", f"file-{uuid.uuid4().hex}"
        self._files[output] = "\n".join(done).encode()
        self._files[errors] = "\n".join(map(json.dumps, failed)).encode()
        # The state comes last: a client reads the files as soon as it sees it.
        batch |= {"output_file_id": output, "error_file_id": errors}
        batch["status"] = "expired" if self.expires else "completed"


def write(body: dict[str, Any]) -> dict[str, Any]:
    """A true answer from the facts in a request."""
    facts = body["messages"][1]["content"][0]["text"]
    assert body["messages"][1]["content"][1]["image_url"]["url"].startswith("data:image/png;base64,iVBOR")
    assert body["response_format"]["json_schema"]["strict"] is True
    made = "procedurally generated " if "Origin: computed" in facts else ""
    heights = re.search(r"^Heights: (.*); relief (.*) m\.$", facts, re.MULTILINE)
    word = WORDS[int(hashlib.sha256(facts.encode()).hexdigest()[0], 16) % len(WORDS)]
    if heights is None:
        return {"sentences": [f"An {made}open stretch of it."], "landforms": ["other"], "places": []}
    told = [f"{word.capitalize()} {made}ground lies {heights.group(1)}, with {heights.group(2)} m of relief."]
    if falls := re.search(r"falls to the ([\w-]+)", facts):
        told.append(f"It falls to the {falls.group(1)}.")
    return {"sentences": told, "landforms": ["slope"], "places": []}
