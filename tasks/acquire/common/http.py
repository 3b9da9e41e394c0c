"""HTTP with limits: a rate for each host, redirects, retries."""

from __future__ import annotations

import hashlib
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

import httpx

from tasks.acquire.common.source import Refusal
from tasks.acquire.common.throttle import Throttle
from tasks.core.errors import LandloomError
from tasks.core.settings import ROOT

TRANSIENT = {408, 425, 429, 500, 502, 503, 504}
"""Status codes that are worth another try. Every other code is final."""

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

    def __init__(self, throttle: Throttle, patience: Patience):
        self.throttle, self.patience = throttle, patience
        # Plain bytes only: lengths and ranges mean nothing under a content encoding.
        headers = {"User-Agent": user_agent(), "Accept-Encoding": "identity"}
        self._client = httpx.Client(timeout=patience.timeout_s, headers=headers, follow_redirects=False)

    @contextmanager
    def open(
        self, method: str, url: str, headers: dict[str, str] | None = None, **body: Any
    ) -> Iterator[httpx.Response]:
        """Send one request; yield the response, whose body is not read yet.

        Raises:
            httpx.TransportError: the connection failed.
            Refusal: a redirect leads elsewhere than to http(s), from https to http, or too often.
        """
        for _ in range(MAX_REDIRECTS + 1):
            self.throttle.wait(host_of(url))
            with self._client.stream(method, url, headers=headers, **body) as response:
                if not response.has_redirect_location:
                    yield response
                    return
                target = urljoin(url, response.headers["location"])
            scheme = urlsplit(target).scheme
            if scheme not in ("http", "https") or (url.startswith("https:") and scheme == "http"):
                raise Refusal(f"{plain(url)} redirects to {scheme}:, which is not followed")
            url, body = target, body if response.status_code in (307, 308) else {}
            method = method if response.status_code in (307, 308) else "GET"
        raise Refusal(f"{plain(url)} is the end of more than {MAX_REDIRECTS} redirects")

    def text(self, method: str, url: str, **body: Any) -> str:
        """The whole answer as text, with retries; `LandloomError` where the server will not give it."""
        attempts = Attempts(url, self)
        while True:
            try:
                with self.open(method, url, **body) as response:
                    if response.status_code in TRANSIENT:
                        attempts.failed(f"answers {response.status_code}", retry_after(response))
                        continue
                    text = response.read().decode("utf-8")
                    if response.is_success:
                        return text
                    raise LandloomError(f"{plain(url)} answers {response.status_code}: {' '.join(text.split())[:200]}")
            except httpx.TransportError as error:
                attempts.failed(describe(error))
            except Refusal as refusal:
                raise LandloomError(str(refusal)) from None
            except UnicodeDecodeError:
                raise LandloomError(f"{plain(url)} answers with something that is no text") from None


class Attempts:
    """Counts the failures of one file, waits between them, and gives up with a `LandloomError`."""

    def __init__(self, url: str, http: Http):
        self._url, self._http = url, http
        self._started = time.monotonic()
        self._failures = 0

    @property
    def late(self) -> bool:
        """Whether the time for this file is over."""
        return time.monotonic() - self._started > self._http.patience.give_up_s

    def failed(self, reason: str, wait_s: float | None = None, progress: bool = False) -> None:
        """Count a failure and wait before the next try; `wait_s` is what the server asked for."""
        patience = self._http.patience
        self._failures = 1 if progress else self._failures + 1
        if wait_s is None:
            delay = min(60.0, patience.backoff_s * 2 ** (self._failures - 1)) * self._jitter()
        else:
            delay = wait_s
            self._http.throttle.hold(host_of(self._url), wait_s)
        elapsed = time.monotonic() - self._started
        if self._failures > patience.retries or elapsed + delay > patience.give_up_s:
            asked = f", and asks to wait {wait_s:.0f} s" if wait_s else ""
            raise LandloomError(
                f"{plain(self._url)}: {reason}{asked}; gave up after {elapsed:.0f} s "
                f"and {self._failures} tries in a row. Run again later: what has come is kept"
            )
        if wait_s is None:
            time.sleep(delay)

    def _jitter(self) -> float:
        """0.5 to 1.5, from the URL and the count alone, so that many files are not retried at the same moment."""
        digest = hashlib.sha256(f"{self._url} {self._failures}".encode()).digest()
        return 0.5 + int.from_bytes(digest[:4], "big") / 2**32


def retry_after(response: httpx.Response) -> float | None:
    """Seconds that the server asks to wait, from either form of Retry-After; None where it says nothing usable."""
    value = response.headers.get("retry-after", "").strip()
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None


def plain(url: str) -> str:
    """The URL without user, password and signature: for messages and the ledger."""
    parts = urlsplit(url)
    query = [
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if name.lower() not in _SECRET and not name.lower().startswith(("x-amz-", "x-goog-"))
    ]
    return urlunsplit((parts.scheme, parts.netloc.rsplit("@", 1)[-1], parts.path, urlencode(query), ""))


def host_of(url: str) -> str:
    return urlsplit(url).netloc.rsplit("@", 1)[-1].lower()


def describe(error: httpx.TransportError) -> str:
    """A transport error in words."""
    kind = "no answer in time" if isinstance(error, httpx.TimeoutException) else "the connection broke"
    return f"{kind} ({type(error).__name__}{f': {error}' if str(error) else ''})"


def user_agent() -> str:
    """Who asks: the project's name and version."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return f"{project['name']}/{project['version']} python-httpx/{httpx.__version__}"
