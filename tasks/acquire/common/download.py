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
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from filelock import FileLock

from tasks.acquire.common.http import MAX_TEXT, Attempts, Http, describe, host_of, plain
from tasks.acquire.common.partial import Partial, continues, resumable, start
from tasks.acquire.common.refresh import renewed
from tasks.acquire.common.refused import turned_down
from tasks.acquire.common.signer import Signer, signed
from tasks.acquire.common.source import Delivery, Refusal
from tasks.acquire.common.stray import stray, torn
from tasks.core.errors import LandloomError
from tasks.core.files import write_json
from tasks.core.hashing import file_sha256

_CHUNK = 1 << 18
_SAME = 3  # equal downloads after which a picture without its end is the publisher's own


@dataclass(frozen=True)
class Expected:
    """What a catalogue says of a file; null where it says nothing."""

    bytes: int | None = None
    sha256: str | None = None
    json: bool = False  # it is a JSON document, and no raster
    json_errors: bool = False  # the service sends errors as JSON with status 200, and the caller reads them


class Downloads:
    """The byte cache of a folder. Several threads and processes can use it at once."""

    def __init__(self, folder: Path, http: Http, max_bytes: int, signer: Signer | None = None):
        self._folder, self._http, self._max, self._signer = folder, http, max_bytes, signer

    def deliver(self, url: str, target: Path, expected: Expected) -> Delivery:
        """Put the file of `url` at `target` (a hard link, or a copy). The server is asked only where it is not cached.

        With `LANDLOOM_REFRESH` in the environment, the server is asked whether the cached file is still current.

        Raises:
            Refusal: the server has no such file, or sends another one than stated, or a web page.
            Denied: the host turns us away, by its status or by a web page again; nothing is stored.
            Unreachable: the server cannot be reached now.
        """
        base = self._base(url)
        with FileLock(f"{base}.lock"):
            known = self._known(url, base, expected)
            target.parent.mkdir(parents=True, exist_ok=True)
            _link(base.with_suffix(".bytes"), target)
        return Delivery(known["etag"], known["modified"], known["sha256"], forget=lambda: _forget(base))

    def document(self, url: str) -> Any:
        """The JSON document of `url`, cached like a file. Raises what `deliver` raises."""
        base = self._base(url)
        with FileLock(f"{base}.lock"):
            self._known(url, base, Expected(json=True))
            return json.loads(base.with_suffix(".bytes").read_bytes())

    def _base(self, url: str) -> Path:
        """The path of everything that is kept of a URL, without a suffix."""
        key = hashlib.sha256(plain(url).encode()).hexdigest()
        base = self._folder / key[:2] / key
        base.parent.mkdir(parents=True, exist_ok=True)
        return base

    def _known(self, url: str, base: Path, expected: Expected) -> dict[str, Any]:
        """The record of a file that is cached now: it was, or it has just been fetched."""
        known = self._cached(base)
        if known and _as_expected(known, expected):
            said = known["etag"], known["modified"], known["bytes"]
            if not renewed(url, *said, self._http, self._signer):
                return known
        return self._download(url, base, expected)

    @staticmethod
    def _cached(base: Path) -> dict[str, Any] | None:
        """The record of a cached file whose bytes are still what they were."""
        try:
            known = json.loads(base.with_suffix(".json").read_text())
            return known if file_sha256(base.with_suffix(".bytes")) == known["sha256"] else None
        except (OSError, ValueError, KeyError):
            return None

    def _download(self, url: str, base: Path, expected: Expected) -> dict[str, Any]:
        part = base.with_suffix(".part")
        attempts, torn_ones = Attempts(url, self._http), Counter[str]()
        while True:
            had = part.stat().st_size if part.exists() else 0
            try:
                state = self._attempt(url, base, attempts, expected)
                if state is None:
                    continue
                have = part.stat().st_size
                if state.total is not None and have < state.total:
                    attempts.failed(f"was cut off at {have} of {state.total} bytes", progress=have > had)
                    continue
                fault = _fault(part, state, expected)
                if fault is None and (fault := torn(part)):
                    digest = file_sha256(part)
                    torn_ones[digest] += 1
                    fault = None if torn_ones[digest] >= _SAME else fault
            except httpx.TransportError as error:
                grew = part.exists() and part.stat().st_size > had
                attempts.failed(describe(error), progress=grew)
                continue
            except OSError as error:
                raise LandloomError(f"{part}: cannot be written: {error}") from None
            if fault is None:
                self._http.blocks.file(host_of(url))
                return _keep(url, base, state)
            _forget(base)
            attempts.failed(fault)

    def _attempt(self, url: str, base: Path, attempts: Attempts, expected: Expected) -> Partial | None:
        """One request for what is still missing; None where it has to be asked again."""
        part, note = base.with_suffix(".part"), Path(f"{base}.part.json")
        state, have = resumable(part, note)
        if state and state.total == have:  # whole already: an earlier run died before its last step
            return state
        headers = {"Range": f"bytes={have}-", "If-Range": state.validator} if state and state.validator else {}
        with self._http.open("GET", signed(url, self._signer), headers) as response:
            status = response.status_code
            if status == 206 and headers and continues(response, have, state):
                mode = "ab"
            elif status == 200:
                state, have, mode = start(response, note), 0, "wb"
            elif status in (206, 416):  # the part does not fit what is there now
                _forget(base)
                attempts.failed(f"answers {status} to a range that should fit")
                return None
            else:
                turned_down(url, response, self._http, attempts, self._signer)
                return None
            if response.headers.get("content-encoding", "identity") != "identity":
                raise Refusal("the server packs it although plain bytes were asked for")
            most = min(self._max, MAX_TEXT) if expected.json else self._max
            if max(state.total or 0, have) > most:
                raise Refusal(f"has {state.total} bytes, more than download.max_file_mb allows")
            with part.open(mode) as stream:
                for chunk in response.iter_raw(_CHUNK):
                    if have == 0 and (odd := _stray(chunk, response, expected)):
                        stream.close()
                        _forget(base)
                        what = f"sends {odd} where {'JSON' if expected.json else 'a file'} is due"
                        self._http.blocks.page(host_of(url), plain(url), what)
                    have += len(chunk)
                    if have > most:
                        stream.close()
                        _forget(base)
                        raise Refusal(f"goes on for more than {most} bytes, all that download.max_file_mb allows")
                    stream.write(chunk)
                    if attempts.late:
                        attempts.failed(f"comes too slowly ({have} bytes so far)")
        return state


def _stray(head: bytes, response: httpx.Response, expected: Expected) -> str | None:
    kind = response.headers.get("content-type", "").lower()
    return stray(head, kind, "json" if expected.json or expected.json_errors else "data")


def _fault(part: Path, state: Partial, expected: Expected) -> str | None:
    """Why a whole file is not what it should be."""
    have = part.stat().st_size
    if state.total is not None and have != state.total:
        return f"has {have} bytes although {state.total} were announced"
    if expected.bytes is not None and have != expected.bytes:
        return f"has {have} bytes although the catalogue says {expected.bytes}"
    if expected.sha256 is not None and file_sha256(part) != expected.sha256:
        return "has not the SHA-256 that the catalogue states"
    if expected.json:
        try:
            json.loads(part.read_bytes())
        except (ValueError, RecursionError):
            return "is no whole JSON document"
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
