"""HTTP with limits: a rate for each host, redirects, retries."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

import httpx

from tasks.acquire.common.blocks import Blocks, Unreachable
from tasks.acquire.common.source import Refusal
from tasks.acquire.common.stray import stray
from tasks.core.errors import LandloomError
from tasks.core.settings import ROOT
from tasks.polite.throttle import Throttle, told_wait

for _name in ("httpx", "httpcore"):  # they log addresses and headers, with the tokens in them
    logging.getLogger(_name).setLevel(logging.WARNING)

TRANSIENT = {408, 425, 429, 500, 502, 503, 504}
"""Status codes that are worth another try. Every other code is final."""

THROTTLED = {429, 503}
"""Status codes that ask for fewer requests, so they hold every request to the host and not only one."""

MAX_TEXT = 64 << 20
"""Bytes of one text or JSON document. Pages of catalogues have less than one megabyte."""

MAX_REDIRECTS = 5
_SECRET = {"sig", "signature", "expires", "token", "access_token", "key", "api_key", "apikey"}
_SECRET |= {
    "se",
    "sp",
    "sr",
    "st",
    "sv",
    "skoid",
    "sktid",
    "skt",
    "ske",
    "sks",
    "skv",
}  # the parts of an Azure signature


@dataclass(frozen=True)
class Patience:
    """How long to wait for a server.

    Attributes:
        timeout_s: seconds without data after which a request has failed.
        retries: failures in a row without a new byte, before giving up.
        give_up_s: seconds for one file in all.
        backoff_s: the first wait after a failure; each next one is twice as long, at most a minute.
    """

    timeout_s: float
    retries: int
    give_up_s: float
    backoff_s: float = 1.0


class Http:
    """An HTTP client that takes its turn with each host and follows redirects to http(s) only."""

    def __init__(self, throttle: Throttle, patience: Patience, blocks: Blocks | None = None):
        self.throttle, self.patience, self.blocks = throttle, patience, blocks or Blocks()
        # Plain bytes only: lengths and ranges mean nothing under a content encoding.
        headers = {"User-Agent": user_agent(), "Accept-Encoding": "identity"}
        self._client = httpx.Client(timeout=patience.timeout_s, headers=headers, follow_redirects=False)

    @contextmanager
    def open(
        self, method: str, url: str, headers: dict[str, str] | None = None, **body: Any
    ) -> Iterator[httpx.Response]:
        """Send one request; yield the response, whose body is not read yet.

        A redirect to another host does not get the header `Authorization`.

        Raises:
            httpx.TransportError: the connection failed.
            Denied: the host turned us away before.
            LandloomError: the host asked us to wait for longer than our patience.
            Refusal: a redirect leads elsewhere than to http(s), from https to http, or too often.
        """
        if not is_web(url):
            raise Refusal(f"{url[:200]} is no address of http or https")
        for _ in range(MAX_REDIRECTS + 1):
            host = host_of(url)
            self._may_ask(host)
            with self.throttle.connection(host):
                self.throttle.wait(host)
                with self._client.stream(method, url, headers=headers, **body) as response:
                    if not response.has_redirect_location:
                        yield response
                        self.throttle.pay(host, response.num_bytes_downloaded)
                        return
                    target = _joined(url, response.headers["location"])
            scheme = target.partition(":")[0].lower()
            if scheme not in ("http", "https") or (url.startswith("https:") and scheme == "http"):
                raise Refusal(f"{plain(url)} redirects to {scheme}:, which is not followed")
            if headers and host_of(target) != host:
                headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
            url, body = target, body if response.status_code in (307, 308) else {}
            method = method if response.status_code in (307, 308) else "GET"
        raise Refusal(f"{plain(url)} is the end of more than {MAX_REDIRECTS} redirects")

    def deny(self, url: str, what: str) -> NoReturn:
        """Send nothing more to the host of `url`, and raise `Denied`."""
        self.blocks.deny(host_of(url), plain(url), what)

    def _may_ask(self, host: str) -> None:
        self.blocks.may_ask(host)
        held = self.throttle.held(host)
        if held > self.patience.give_up_s:
            raise LandloomError(f"{host} asked to wait, for {held:.0f} s more from now. Run again then")

    def text(self, method: str, url: str, **body: Any) -> str:
        """The whole answer as text, with retries; `LandloomError` where the server will not give it."""
        return self._whole(method, url, lambda response, text: text, **body)

    def json(
        self, url: str, headers: dict[str, str] | None = None, busy: Callable[[Any], str | None] = lambda answer: None
    ) -> Any:
        """The parsed JSON answer to a GET, with retries.

        Args:
            busy: why the answer itself asks to try again later, for services that say so with status 200.

        Raises:
            Denied: a web page comes instead.
            LandloomError: the server will not give it, or something else than JSON again and again.
        """

        def parse(response: httpx.Response, text: str) -> Any:
            if odd := stray(text.encode(), response.headers.get("content-type", "").lower(), "json"):
                self.deny(url, f"sends {odd} where JSON is due")
            try:
                answer = json.loads(text)
            except (ValueError, RecursionError):
                raise _Again("answers with something that is no whole JSON document", None) from None
            if reason := busy(answer):
                raise _Again(reason, retry_after(response))
            return answer

        return self._whole("GET", url, parse, headers=headers)

    def _whole(self, method: str, url: str, read: Callable[[httpx.Response, str], Any], **body: Any) -> Any:
        attempts = Attempts(url, self)
        while True:
            try:
                with self.open(method, url, **body) as response:
                    status = response.status_code
                    if status in TRANSIENT:
                        raise _Again(f"answers {status}", retry_after(response), throttled=status in THROTTLED)
                    text = self._text(url, response)
                    if response.is_success:
                        return read(response, text)
                    raise LandloomError(f"{plain(url)} answers {status}: {' '.join(text.split())[:200]}")
            except _Again as again:
                attempts.failed(again.reason, again.wait_s, throttled=again.throttled)
            except httpx.TransportError as error:
                attempts.failed(describe(error))
            except Refusal as refusal:
                raise LandloomError(str(refusal)) from None
            except UnicodeDecodeError:
                raise LandloomError(f"{plain(url)} answers with something that is no text") from None

    @staticmethod
    def _text(url: str, response: httpx.Response) -> str:
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > MAX_TEXT:
                raise LandloomError(f"{plain(url)} goes on for more than {MAX_TEXT >> 20} MB of text")
        return body.decode("utf-8")


class _Again(Exception):
    """An answer that is worth another try."""

    def __init__(self, reason: str, wait_s: float | None, throttled: bool = True):
        super().__init__(reason)
        self.reason, self.wait_s, self.throttled = reason, wait_s, throttled


class Attempts:
    """Counts the failures of one file, waits between them, and gives up with `Unreachable`."""

    def __init__(self, url: str, http: Http):
        self._url, self._http = url, http
        self._started = time.monotonic()
        self._failures = 0

    @property
    def late(self) -> bool:
        """Whether the time for this file is over."""
        return time.monotonic() - self._started > self._http.patience.give_up_s

    def failed(self, reason: str, wait_s: float | None = None, progress: bool = False, throttled: bool = False) -> None:
        """Count a failure and wait before the next try.

        Args:
            wait_s: seconds that the server asks to wait. progress: whether new bytes came.
            throttled: the server asks for fewer requests, so every request to the host waits.
        """
        patience = self._http.patience
        self._failures = 1 if progress else self._failures + 1
        backoff = min(60.0, patience.backoff_s * 2 ** (self._failures - 1)) * self._jitter()
        delay = backoff if wait_s is None else wait_s
        if wait_s is not None or throttled:
            self._http.throttle.hold(host_of(self._url), delay)
        elapsed = time.monotonic() - self._started
        if self._failures > patience.retries or elapsed + delay > patience.give_up_s:
            asked = f", and asks to wait {wait_s:.0f} s" if wait_s else ""
            raise Unreachable(
                f"{plain(self._url)}: {reason}{asked}; gave up after {elapsed:.0f} s "
                f"and {self._failures} tries in a row. Run again later: what has come is kept"
            )
        if wait_s is None and not throttled:
            time.sleep(delay)

    def _jitter(self) -> float:
        """0.5 to 1.5, from the URL and the count alone, so that many files are not retried at the same moment."""
        digest = hashlib.sha256(f"{self._url} {self._failures}".encode()).digest()
        return 0.5 + int.from_bytes(digest[:4], "big") / 2**32


def retry_after(response: httpx.Response) -> float | None:
    """Seconds that the server asks to wait; None where it says nothing usable."""
    return told_wait(response.headers.get("retry-after", ""))


def plain(url: str) -> str:
    """The URL without user, password and signature: for messages and the ledger."""
    parts = urlsplit(url)
    query = [
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if name.lower() not in _SECRET and not name.lower().startswith(("x-amz-", "x-goog-"))
    ]
    return urlunsplit((parts.scheme, parts.netloc.rsplit("@", 1)[-1], parts.path, urlencode(query), ""))


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        raise Refusal(f"{plain(url)} redirects to {location[:200]!r}, which is no address") from None


def is_web(url: str) -> bool:
    """Whether this is a whole address of http or https."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def host_of(url: str) -> str:
    return urlsplit(url).netloc.rsplit("@", 1)[-1].lower()


def describe(error: httpx.TransportError) -> str:
    """A transport error in words."""
    kind = "no answer in time" if isinstance(error, httpx.TimeoutException) else "the connection broke"
    return f"{kind} ({type(error).__name__}{f': {error}' if str(error) else ''})"


CONTACT = "LANDLOOM_CONTACT"
"""Variable of the environment: a mail address or URL of the person who asks. Services write there before they block."""


def user_agent() -> str:
    """Who asks: the project's name and version, and the contact where one is given."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    contact = os.environ.get(CONTACT, "").strip()
    comment = f" ({contact})" if contact else ""
    return f"{project['name']}/{project['version']}{comment} python-httpx/{httpx.__version__}"
