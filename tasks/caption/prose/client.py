"""One request over the openai package, and what became of it. The package's own retries are off: we count the cost."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import openai

from tasks.caption.prose.answer import Answer, read_answer
from tasks.caption.prose.settings import Api
from tasks.core.errors import LandloomError
from tasks.polite.throttle import told_wait

KEY = "OPENAI_API_KEY"
ADDRESS = "OPENAI_BASE_URL"
BUSY_TRIES, BUSY_S = 7, 1.0  # of a call about files and batches; the first wait, doubled each time
NOT_SENT = ("ConnectError", "ConnectTimeout", "PoolTimeout")
"""Errors of the HTTP library before a request leaves. After every other one, the server may have answered."""


@dataclass(frozen=True)
class Outcome:
    """What became of one request.

    Attributes:
        answer: the answer, None if none came.
        fault: why none came. charged: whether the request may cost money all the same.
        again: whether it is worth another try. wait_s: what the server asks to wait, None if nothing.
        over: whether no further request can succeed either.
    """

    answer: Answer | None = None
    fault: str = ""
    charged: bool = False
    again: bool = False
    wait_s: float | None = None
    over: bool = False


def connect(api: Api) -> openai.OpenAI:
    """The client of the API.

    Raises:
        LandloomError: the environment has no key.
    """
    key = os.environ.get(KEY, "").strip()
    if not key:
        raise LandloomError(
            f"caption.method.api: the environment variable {KEY} is not set; put the key of the API there "
            "(any word for a server of your own), or choose method facts"
        )
    address = api.base_url or os.environ.get(ADDRESS) or None
    return openai.OpenAI(api_key=key, base_url=address, max_retries=0, timeout=api.timeout_s)


def ask(client: openai.OpenAI, body: dict[str, Any]) -> Outcome:
    """Send one request and wait for its answer.

    Raises:
        LandloomError: the API does not know the key, the model or the address.
    """
    try:
        response = client.chat.completions.with_raw_response.create(**body)
        raw = json.loads(response.http_response.content)
    except openai.APITimeoutError:
        return Outcome(fault="no answer in time", charged=True, again=True)
    except openai.APIConnectionError as error:
        made = type(error.__cause__).__name__ not in NOT_SENT
        return Outcome(fault=f"the connection broke ({error.__cause__ or error})", charged=made, again=True)
    except openai.APIStatusError as error:
        return refused_status(error)
    except (ValueError, openai.APIResponseValidationError):
        return Outcome(fault="the response is no whole JSON document", charged=True, again=True)
    answer = read_answer(raw)
    if answer is None:
        return Outcome(fault="the response is no chat completion", charged=True, again=True)
    return Outcome(answer=answer)


def refused_status(error: openai.APIStatusError) -> Outcome:
    """What an error of the server means. Such requests are not charged.

    Raises:
        LandloomError: the API does not know the key, the model or the address.
    """
    status, said = error.status_code, _said(error)
    if status in (401, 403, 404):
        raise LandloomError(
            f"caption.method.api: {error.request.url.host} answers {status}: {said}; check {KEY}, model and base_url. "
            "Answers that have come are kept"
        ) from None
    if status == 429 and error.code == "insufficient_quota":
        return Outcome(fault=f"the account has no quota left: {said}", over=True)
    if status in (408, 409, 425, 429) or status >= 500:
        wait = told_wait(error.response.headers.get("retry-after", ""))
        return Outcome(fault=f"the server answers {status}: {said}", again=True, wait_s=wait)
    return Outcome(fault=f"the server answers {status}: {said}")


def _said(error: openai.APIStatusError) -> str:
    return " ".join(str(error.message).split())[:200]


def patiently(call: Callable[[], Any], most_wait_s: float) -> Any:
    """The result of a call about files and batches, which cost nothing: repeated while the server is busy.

    Raises:
        LandloomError: the server refuses the call, or does not answer for `BUSY_TRIES` times.
    """
    for attempt in range(BUSY_TRIES):
        wait = BUSY_S * 2**attempt
        try:
            return call()
        except openai.APIStatusError as error:
            outcome = refused_status(error)
            fault, again = outcome.fault, outcome.again
            wait = wait if outcome.wait_s is None else outcome.wait_s
        except (openai.APIConnectionError, ValueError) as error:
            fault, again = f"the API does not answer ({error.__cause__ or error})", True
        if not again or attempt + 1 == BUSY_TRIES or wait > most_wait_s:
            break
        time.sleep(wait)
    raise LandloomError(f"caption.method.api.batch: {fault}. What was sent is kept: run caption again to collect it")
