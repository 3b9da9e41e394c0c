"""The Batch API: files of requests, at half the price, answered within a day, in any order and perhaps in part.

A kill loses nothing. The rows of a batch are written with its tag before the file is uploaded, and the batch carries
the tag, so that the next run finds it at the API even where its id was never written down.
"""

from __future__ import annotations

import json
import tempfile
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any

import openai

from tasks.caption.prose.answer import read_answer, stored
from tasks.caption.prose.budget import Budget
from tasks.caption.prose.client import patiently
from tasks.caption.prose.settings import Api
from tasks.caption.prose.store import Row, Store
from tasks.caption.prose.work import Item
from tasks.core.errors import LandloomError

ENDPOINT = "/v1/chat/completions"
ENDED = ("completed", "failed", "expired", "cancelled")
TAG = "landloom"  # key of the batch's metadata
FULL_TRIES = 10  # for a part that is alone at the API
QUEUE_FULL = "token_limit_exceeded"  # the account has too many tokens waiting: the batch is sent again later
SAY_S = 60.0  # seconds between two lines of progress
POLL_S = 30.0  # for batches of an earlier run, where the parameters have no batch


@dataclass
class Part:
    """One file of requests: its tag, the rows of its requests, its lines on disk, and how often the queue was full."""

    tag: str
    rows: list[int]
    lines: IO[bytes]
    full: int = 0


class Batches:
    """Sends requests in batches and collects their answers into the store."""

    def __init__(self, client: openai.OpenAI, api: Api, store: Store, budget: Budget, say: Callable[[str], None]):
        self._client, self._api, self._store, self._budget, self._say = client, api, store, budget, say
        self._poll_s = api.batch.poll_s if api.batch else POLL_S
        self.sent = 0

    def run(self, items: Sequence[Item]) -> None:
        """Answer items by batches, in rounds, while enough of them are open and the budget has room for as many.

        Raises:
            LandloomError: the API refuses a batch, or does not answer; what was sent is collected by the next run.
        """
        settings = self._api.batch
        assert settings is not None
        rounds = 0
        while rounds < settings.rounds:
            wanted = [item for item in items if item.open(self._api)]
            room = self._budget.room()
            if min(len(wanted), room) < settings.least or self._budget.stopped:
                return
            self._say(f"batches, round {rounds + 1}: {len(wanted)} requests")
            self._wait({}, self._parts(wanted), earlier=False)
            rounds += room >= len(wanted)  # a round that the budget cut short is no repetition
            rows = self._store.rows(item.request for item in wanted)
            for item in wanted:
                item.rows = rows.get(item.request, [])
                for tokens in item.tokens:
                    self._budget.learn(tokens)

    def collect(self, tags: Collection[str]) -> None:
        """Wait for batches of an earlier run and settle their requests. A batch that was never made costs nothing."""
        known, waiting = self._store.batches(), {}
        for tag in sorted(tags):
            made = None if known.get(tag) else self._call(lambda tag=tag: self._made(tag))
            if identity := known.get(tag) or (made and str(made.id)):
                waiting[tag] = identity
            else:
                rows = self._store.in_batch(tag)
                self._store.free(row.id for row in rows)
                for row in rows:
                    self._over(row, 0.0, earlier=True)
        if waiting:
            self._say(f"collecting {len(waiting)} batches that an earlier run sent")
            self._wait(waiting, iter(()), earlier=True)

    def _wait(self, waiting: dict[str, str], parts: Iterator[Part], earlier: bool) -> None:
        """Keep `at_once` batches at the API until all parts are sent and all batches have ended.

        Args:
            waiting: ids of batches by tag. earlier: whether an earlier run sent them.
        """
        most = self._api.batch.at_once if self._api.batch else len(waiting)
        sent: dict[str, Part] = {}
        full: list[Part] = []  # parts that found the queue full; they go again when another batch has ended
        said, more = time.monotonic(), True
        while more or waiting or full:
            while len(waiting) < most and (more or (full and not waiting)):
                part = next(parts, None) if more else full.pop()
                if part is None:
                    more = False
                    continue
                sent[part.tag] = part
                waiting[part.tag] = self._submit(part)
            for tag, identity in list(waiting.items()):
                batch = self._call(lambda identity=identity: self._client.batches.retrieve(identity))
                if batch.status in ENDED:
                    del waiting[tag]
                    part = sent.pop(tag, None)
                    if part and batch.status == "failed" and QUEUE_FULL in _codes(batch):
                        full.append(self._full(part, identity, alone=not waiting))
                    else:
                        self._settle(tag, batch, earlier)
            if waiting or full:
                if time.monotonic() - said >= SAY_S:
                    said = time.monotonic()
                    self._say(f"{len(waiting)} batches are at the API")
                time.sleep(self._poll_s)

    def _full(self, part: Part, identity: str, alone: bool) -> Part:
        """A part that the queue of the account had no room for."""
        part.full += alone
        if part.full >= FULL_TRIES:
            self._store.free(part.rows)
            raise LandloomError(
                "caption.method.api.batch: the queue of the account is too small for a batch of "
                f"{len(part.rows)} requests; lower most_requests"
            )
        self._say(f"batch {identity}: the queue of the account is full; it goes again later")
        return part

    def _parts(self, items: list[Item]) -> Iterator[Part]:
        """Files within the limits of the API and of the budget."""
        settings = self._api.batch
        assert settings is not None
        requests: list[tuple[str, float]] = []
        lines = _spool()
        for item in items:
            line = _line(item.request, item.body(self._api))
            large = lines.tell() + len(line) > settings.most_mb * 1e6
            if requests and (large or len(requests) == settings.most_requests):
                yield self._part(requests, lines)
                requests, lines = [], _spool()
            usd = self._budget.reserve(1.0 - settings.discount, wait=False)
            if usd is None:
                break
            lines.write(line)
            requests.append((item.request, usd))
        if requests:
            yield self._part(requests, lines)

    def _part(self, requests: list[tuple[str, float]], lines: IO[bytes]) -> Part:
        tag = uuid.uuid4().hex
        return Part(tag, self._store.send(requests, tag), lines)

    def _submit(self, part: Part) -> str:
        def upload() -> Any:
            part.lines.seek(0)
            return self._client.files.create(file=(f"{part.tag}.jsonl", part.lines.read()), purpose="batch")

        file = self._call(upload)
        self.sent += len(part.rows)
        # A call that failed, or whose answer was lost, may have made the batch all the same.
        batch = self._call(lambda: self._made(part.tag) or self._create(part.tag, file.id))
        self._store.name_batch(part.tag, batch.id)
        return str(batch.id)

    def _create(self, tag: str, file: str) -> Any:
        return self._client.batches.create(
            completion_window="24h", endpoint=ENDPOINT, input_file_id=file, metadata={TAG: tag}
        )

    def _made(self, tag: str) -> Any:
        """The batch with this tag at the API, None if there is none that works."""
        every = self._client.batches.list(limit=100)  # the iterator turns the pages
        return next((one for one in every if (one.metadata or {}).get(TAG) == tag and one.status != "failed"), None)

    def _settle(self, tag: str, batch: Any, earlier: bool) -> None:
        """Read what a batch has answered. A request with an error costs nothing, one whose line is broken its bound."""
        rows = {row.request: row for row in self._store.in_batch(tag)}
        answered = failed = 0
        for file in (batch.output_file_id, batch.error_file_id):
            if file:
                content = self._call(lambda file=file: self._client.files.content(file).content)
                for line in content.decode("utf-8", "replace").splitlines():
                    kind = self._read(line, rows, earlier)
                    answered, failed = answered + (kind == "answered"), failed + (kind == "failed")
        left = list(rows.values())
        if batch.status == "failed":  # it was refused as a whole
            self._store.free(row.id for row in left)
        else:
            self._store.lost(row.id for row in left)
        for row in left:
            self._over(row, 0.0 if batch.status == "failed" else row.usd, earlier)
        if batch.status == "failed" and earlier and QUEUE_FULL in _codes(batch):
            self._say(f"batch {batch.id}: the queue of the account was full; its {len(left)} requests are free again")
            return
        if batch.status == "failed":
            told = "; ".join(error.message or "" for error in (batch.errors.data or [])) if batch.errors else ""
            raise LandloomError(
                f"caption.method.api.batch: the API refuses batch {batch.id}: {told or 'without a reason'}; "
                "mend the parameters, or leave batch out"
            )
        if failed or left:
            self._say(f"batch {batch.id} is {batch.status}: {answered} answers, {failed} failed, {len(left)} are lost")

    def _read(self, line: str, rows: dict[str, Row], earlier: bool) -> str | None:
        """Settle the request of one line: `answered` or `failed`; None if the line is broken."""
        try:
            told = json.loads(line)
            row, response = rows[told["custom_id"]], told.get("response") or {}
            good = response.get("status_code") == 200
        except (ValueError, KeyError, TypeError, AttributeError):
            return None
        answer = read_answer(response.get("body")) if good else None
        if answer is None and good:
            return None
        del rows[row.request]
        if answer is None:
            self._store.free([row.id])
            self._over(row, 0.0, earlier)
            return "failed"
        price = 1.0 - (self._api.batch.discount if self._api.batch else 0.0)
        cost = price * self._budget.cost(*answer.tokens) if answer.tokens else row.usd
        self._store.answered(row.id, cost, stored(answer), answer.model)
        self._over(row, cost, earlier)
        return "answered"

    def _over(self, row: Row, cost: float, earlier: bool) -> None:
        """A request is over. The bounds of an earlier run's requests count as spent until then, not as reserved.

        What another dataset pays for is not in this budget.
        """
        if not earlier:
            self._budget.settle(row.usd, cost)
        elif row.dataset == self._store.dataset:
            self._budget.settle(0.0, cost - row.usd)

    def _call(self, call: Callable[[], Any]) -> Any:
        return patiently(call, self._api.most_wait_s)


def _spool() -> IO[bytes]:
    """A file without a name: several parts of 200 MB may wait. It ends with the part that holds it."""
    return tempfile.TemporaryFile()  # noqa: SIM115


def _line(request: str, body: dict[str, Any]) -> bytes:
    return json.dumps({"custom_id": request, "method": "POST", "url": ENDPOINT, "body": body}).encode() + b"\n"


def _codes(batch: Any) -> set[str]:
    return {error.code or "" for error in (batch.errors.data or [])} if batch.errors else set()
