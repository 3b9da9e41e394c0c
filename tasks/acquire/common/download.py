"""Downloads, each made once: resumed after a break, checked, and kept outside the pipeline's outputs.

For every URL the cache folder holds `<key>.bytes` and `<key>.json` (etag, hash, length, dates), and while a
download is under way `<key>.part` and `<key>.part.json`. `key` is the hash of the URL without its signature.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import httpx
from filelock import FileLock

from tasks.acquire.common.http import TRANSIENT, Attempts, Http, describe, plain, retry_after
from tasks.acquire.common.source import Absent, Delivery, Refusal
from tasks.core.errors import LandloomError
from tasks.core.files import write_json
from tasks.core.hashing import file_sha256

_GONE = (404, 410)
_CHUNK = 1 << 18


class Signer(Protocol):
    """Adds to a URL the token that its host requires."""

    def sign(self, url: str) -> str: ...

    def renew(self, url: str) -> None:
        """Forget the token of this URL's host, because the host refused it."""


@dataclass(frozen=True)
class Expected:
    """What a catalogue says of a file; null where it says nothing."""

    bytes: int | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class Partial:
    """What is known of a download under way."""

    etag: str | None
    modified: str | None
    total: int | None  # bytes of the whole file
    md5: str | None  # base64, as the server stated it for the whole file

    @property
    def validator(self) -> str | None:
        """What proves in If-Range that the rest is of the same file: a strong etag, or else the date."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.modified


class Downloads:
    """The byte cache of a folder. Several threads and processes can use it at once."""

    def __init__(self, folder: Path, http: Http, max_bytes: int, signer: Signer | None = None):
        self._folder, self._http, self._max, self._signer = folder, http, max_bytes, signer

    def deliver(self, url: str, target: Path, expected: Expected) -> Delivery:
        """Put the file of `url` at `target` (a hard link, or a copy). The server is asked only where it is not cached.

        With `LANDLOOM_REFRESH` in the environment, the server is asked whether the cached file is still current.

        Raises:
            Refusal: the server has no such file, or sends another one than stated.
            LandloomError: the server cannot be reached now.
        """
        key = hashlib.sha256(plain(url).encode()).hexdigest()
        base = self._folder / key[:2] / key
        base.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{base}.lock"):
            known = self._cached(base)
            if known is None or not _as_expected(known, expected) or self._renewed(url, known):
                known = self._download(url, base, expected)
            target.parent.mkdir(parents=True, exist_ok=True)
            _link(base.with_suffix(".bytes"), target)
        return Delivery(known["etag"], known["modified"], known["sha256"], forget=lambda: _forget(base))

    @staticmethod
    def _cached(base: Path) -> dict[str, Any] | None:
        """The record of a cached file whose bytes are still what they were."""
        try:
            known = json.loads(base.with_suffix(".json").read_text())
            return known if file_sha256(base.with_suffix(".bytes")) == known["sha256"] else None
        except (OSError, ValueError, KeyError):
            return None

    def _renewed(self, url: str, known: dict[str, Any]) -> bool:
        """Whether the server has another file now. Asked in a refresh only; without an answer the cached file stays."""
        if not os.environ.get("LANDLOOM_REFRESH"):
            return False
        validators = {"If-None-Match": known["etag"], "If-Modified-Since": known["modified"]}
        headers = {name: value for name, value in validators.items() if value}
        try:
            with self._http.open("GET", self._signer.sign(url) if self._signer else url, headers) as response:
                if not response.is_success:  # 304 Not Modified among them
                    return response.status_code in _GONE
                now = {name: response.headers.get(name) for name in ("etag", "last-modified", "content-length")}
        except httpx.TransportError:
            return False
        then = {"etag": known["etag"], "last-modified": known["modified"], "content-length": str(known["bytes"])}
        told = [name for name in then if then[name] and now[name]]  # the first is the surest
        return bool(told) and then[told[0]] != now[told[0]]

    def _download(self, url: str, base: Path, expected: Expected) -> dict[str, Any]:
        part = base.with_suffix(".part")
        attempts = Attempts(url, self._http)
        while True:
            had = part.stat().st_size if part.exists() else 0
            try:
                state = self._attempt(url, base, attempts)
                if state is None:
                    continue
                have = part.stat().st_size
                if state.total is not None and have < state.total:
                    attempts.failed(f"was cut off at {have} of {state.total} bytes", progress=have > had)
                    continue
                fault = _fault(part, state, expected)
            except httpx.TransportError as error:
                grew = part.exists() and part.stat().st_size > had
                attempts.failed(describe(error), progress=grew)
                continue
            except OSError as error:
                raise LandloomError(f"{part}: cannot be written: {error}") from None
            if fault is None:
                return _keep(url, base, state)
            _forget(base)
            attempts.failed(fault)

    def _attempt(self, url: str, base: Path, attempts: Attempts) -> Partial | None:
        """One request for what is still missing; None where it has to be asked again."""
        part, note = base.with_suffix(".part"), Path(f"{base}.part.json")
        state, have = _resumable(part, note)
        if state and state.total == have:  # whole already: an earlier run died before its last step
            return state
        headers = {"Range": f"bytes={have}-", "If-Range": state.validator} if state and state.validator else {}
        with self._http.open("GET", self._signer.sign(url) if self._signer else url, headers) as response:
            status = response.status_code
            if status == 206 and headers and _continues(response, have, state):
                mode = "ab"
            elif status == 200:
                state, have, mode = _start(response, note), 0, "wb"
            else:
                self._turned_down(url, response, base, attempts)
                return None
            if response.headers.get("content-encoding", "identity") != "identity":
                raise Refusal("the server packs it although plain bytes were asked for")
            if max(state.total or 0, have) > self._max:
                raise Refusal(f"has {state.total} bytes, more than download.max_file_mb allows")
            with part.open(mode) as stream:
                for chunk in response.iter_raw(_CHUNK):
                    have += len(chunk)
                    if have > self._max:
                        stream.close()
                        _forget(base)
                        raise Refusal(f"goes on for more than {self._max} bytes, all that download.max_file_mb allows")
                    stream.write(chunk)
                    if attempts.late:
                        attempts.failed(f"comes too slowly ({have} bytes so far)")
        return state

    def _turned_down(self, url: str, response: httpx.Response, base: Path, attempts: Attempts) -> None:
        """Handle an answer without the file: wait and ask again, refuse the file, or stop the run."""
        status = response.status_code
        if status in _GONE:
            raise Absent(f"the server answers {status}: it is not there")
        if status in TRANSIENT:
            attempts.failed(f"answers {status}", retry_after(response))
        elif status in (401, 403) and self._signer:
            self._signer.renew(url)
            attempts.failed(f"answers {status} to a signed request")
        elif status in (206, 416):  # the part does not fit what is there now
            _forget(base)
            attempts.failed(f"answers {status} to a range that should fit")
        else:
            raise LandloomError(
                f"{plain(url)} answers {status}; nothing was changed. Is the access open, the URL right?"
            )


def _resumable(part: Path, note: Path) -> tuple[Partial | None, int]:
    """The part that is there and its length, where a validator proves that it belongs to one file; else (None, 0)."""
    try:
        state, have = Partial(**json.loads(note.read_text())), part.stat().st_size
    except (OSError, ValueError, TypeError):
        return None, 0
    return (state, have) if have and state.validator else (None, 0)


def _start(response: httpx.Response, note: Path) -> Partial:
    length = response.headers.get("content-length", "")
    state = Partial(
        etag=response.headers.get("etag"),
        modified=response.headers.get("last-modified"),
        total=int(length) if length.isdigit() else None,
        md5=response.headers.get("content-md5"),
    )
    write_json(note, asdict(state))
    return state


def _continues(response: httpx.Response, have: int, state: Partial | None) -> bool:
    """Whether a 206 begins where the part ends, and is of the same file."""
    unit, _, rest = response.headers.get("content-range", "").partition(" ")
    span, _, total = rest.partition("/")
    start = span.partition("-")[0]
    same = state is not None and response.headers.get("etag", state.etag) == state.etag
    fits = state is not None and (total == "*" or state.total is None or total == str(state.total))
    return unit == "bytes" and start == str(have) and same and fits


def _fault(part: Path, state: Partial, expected: Expected) -> str | None:
    """Why a whole file is not what it should be."""
    have = part.stat().st_size
    if state.total is not None and have != state.total:
        return f"has {have} bytes although {state.total} were announced"
    if expected.bytes is not None and have != expected.bytes:
        return f"has {have} bytes although the catalogue says {expected.bytes}"
    if expected.sha256 is not None and file_sha256(part) != expected.sha256:
        return "has not the SHA-256 that the catalogue states"
    if state.md5:
        with part.open("rb") as stream:
            digest = hashlib.file_digest(stream, "md5").digest()
        if base64.b64encode(digest).decode() != state.md5:
            return "has not the MD5 that the server states"
    return None


def _as_expected(known: dict[str, Any], expected: Expected) -> bool:
    return expected.bytes in (None, known["bytes"]) and expected.sha256 in (None, known["sha256"])


def _keep(url: str, base: Path, state: Partial) -> dict[str, Any]:
    """Move the whole part into its place and write its record."""
    part, bytes_ = base.with_suffix(".part"), base.with_suffix(".bytes")
    with part.open("rb+") as stream:
        os.fsync(stream.fileno())
    known = {
        "url": plain(url),
        "etag": state.etag,
        "modified": state.modified,
        "sha256": file_sha256(part),
        "bytes": part.stat().st_size,
        "fetched_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    part.replace(bytes_)
    write_json(base.with_suffix(".json"), known)
    Path(f"{base}.part.json").unlink(missing_ok=True)
    return known


def _forget(base: Path) -> None:
    for path in (
        base.with_suffix(".bytes"),
        base.with_suffix(".json"),
        base.with_suffix(".part"),
        Path(f"{base}.part.json"),
    ):
        path.unlink(missing_ok=True)


def _link(source: Path, target: Path) -> None:
    """Make a hard link, or a copy where the file system has none. Neither file is written again."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
