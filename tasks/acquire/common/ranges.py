"""Rasters of the web that are read in parts: only the bytes that a window needs are fetched, each once.

GDAL reads through the one HTTP client of the stage, so limits, waits and tokens are those of every other request, and
GDAL itself asks no server. What has come stays in the folder under the hash of the URL without its signature, as
`tasks.acquire.common.parts` keeps it.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count, pairwise
from pathlib import Path, PurePosixPath
from typing import Any

import httpx
import rasterio
from filelock import FileLock
from rasterio.errors import RasterioError

from tasks.acquire.common.http import Attempts, Http, describe, host_of, plain
from tasks.acquire.common.parts import Parts, Whole
from tasks.acquire.common.refresh import renewed
from tasks.acquire.common.refused import turned_down
from tasks.acquire.common.signer import Signer, signed
from tasks.acquire.common.source import Refusal, Unreadable
from tasks.acquire.common.stray import stray
from tasks.core.errors import LandloomError

_CHUNK = 1 << 19  # bytes of an answer at a time
_NUMBERS = count(1)  # of the names by which GDAL knows the files that this process has opened


class Ranges:
    """The parts of a folder. Several threads and processes can use it at once."""

    def __init__(self, folder: Path, http: Http, max_bytes: int, signer: Signer | None = None):
        self._folder, self._http, self._max, self._signer = folder, http, max_bytes, signer
        self._checked: dict[Path, dict[int, str]] = {}  # by file, so each part is hashed once in a run
        self._seen: set[Path] = set()  # files whose server was asked in this run whether they are current

    @contextmanager
    def opened(self, url: str) -> Iterator[rasterio.DatasetReader]:
        """Open the GeoTIFF at `url`. Its blocks are fetched when they are read.

        Raises:
            Absent: the server has no such file. Refusal: it sends something else, or gives no parts of it.
            Unreadable: it is no GeoTIFF. LandloomError: the server cannot be reached now, or turns us away.
        """
        remote = _Remote(self, url)
        no_listing = rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR")
        try:
            with no_listing, rasterio.open(remote.name, driver="GTiff", opener=remote.open) as dataset:
                yield dataset
        except RasterioError as error:
            if remote.error:
                raise remote.error from None
            raise Unreadable(
                f"no GeoTIFF that can be read: {' '.join(str(error.__cause__ or error).split())}"
            ) from None

    def read(self, url: str, start: int, length: int) -> bytes:
        """Bytes of the file; fewer where it ends."""
        base = self._base(url)
        with FileLock(f"{base}.ranges.lock"):
            return self._fetched(url, base, start, length).read(start, length)

    def size(self, url: str) -> int:
        """Bytes of the whole file."""
        base = self._base(url)
        with FileLock(f"{base}.ranges.lock"):
            return self._fetched(url, base, 0, 1).whole.total or 0

    def _base(self, url: str) -> Path:
        key = hashlib.sha256(plain(url).encode()).hexdigest()
        base = self._folder / key[:2] / key
        base.parent.mkdir(parents=True, exist_ok=True)
        return base

    def _fetched(self, url: str, base: Path, start: int, length: int) -> Parts:
        """The parts of the file once these bytes are there. Parts beside each other come in one request."""
        parts = Parts.on_disk(base, self._checked.setdefault(base, {}))
        said = parts.whole.etag, parts.whole.modified, parts.whole.total
        unasked = parts.digests and base not in self._seen
        if unasked and renewed(url, *said, self._http, self._signer):
            parts.forget()
        self._seen.add(base)
        missing = parts.missing(start, start + max(length, 1) - 1)
        breaks = [0, *(at + 1 for at, (one, other) in enumerate(pairwise(missing)) if other > one + 1), len(missing)]
        for first, end in pairwise(breaks):
            if first < end:
                self._request(url, parts, missing[first], missing[end - 1])
        return parts

    def _request(self, url: str, parts: Parts, first: int, last: int) -> None:
        attempts = Attempts(url, self._http)
        start, end = parts.span(first, last)
        validator = parts.whole.validator
        headers = {"Range": f"bytes={start}-{end}"} | ({"If-Range": validator} if validator else {})
        while True:
            try:
                with self._http.open("GET", signed(url, self._signer), headers) as response:
                    came = self._take(url, response, parts, start, end, attempts)
            except httpx.TransportError as error:
                attempts.failed(describe(error))
                continue
            if came:
                self._http.blocks.file(host_of(url))
                return

    def _take(self, url: str, response: httpx.Response, parts: Parts, start: int, end: int, attempts: Attempts) -> bool:
        """Put the bytes of an answer into their place; false where it has to be asked again."""
        status, known = response.status_code, parts.whole
        if status in (412, 416):
            parts.forget()
            raise Unreadable(f"the server answers {status} to a part that it should have: run again")
        if status not in (200, 206):
            turned_down(url, response, self._http, attempts, self._signer)
            return False
        whole = Whole(response.headers.get("etag"), response.headers.get("last-modified"))
        if known.validator and whole.validator and whole.validator != known.validator:
            parts.forget()
            raise Unreadable("it changed while it was read: run again")
        if status == 206:
            total = _total(response, start)
            if total is None or (known.total is not None and total != known.total):
                attempts.failed("answers with another part than was asked for")
                return False
            whole = Whole(whole.etag or known.etag, whole.modified or known.modified)
        else:  # the server gives no parts, or has another file now
            start, total, end = 0, None, self._max
        body = bytearray()
        for chunk in response.iter_raw(_CHUNK):
            kind = response.headers.get("content-type", "").lower()
            if start == 0 and not body and (odd := stray(chunk, kind)):
                self._http.blocks.page(host_of(url), plain(url), f"sends {odd} where a file is due")
            body += chunk
            if len(body) > self._max:
                raise Refusal("the server gives no parts of it, and it is longer than download.max_file_mb allows")
        if total is None:
            announced = response.headers.get("content-length", "")
            total = int(announced) if announced.isdigit() else len(body)
        wanted = min(end, total - 1) - start + 1
        if len(body) < wanted:
            attempts.failed(f"was cut off at {len(body)} of {wanted} bytes")
            return False
        parts.keep(replace(whole, total=total), start, bytes(body[:wanted]), alone=status == 200)
        return True


class _Remote:
    """One file as GDAL opens it. An error that a callback of GDAL cannot raise is kept in `error`."""

    def __init__(self, ranges: Ranges, url: str):
        self.ranges, self.url, self.name = ranges, url, f"remote{next(_NUMBERS)}.tif"
        self.error: Exception | None = None

    def open(self, path: str, mode: str = "rb", **_: Any) -> io.RawIOBase:
        """The file by its name; FileNotFoundError for the sidecars that GDAL looks for."""
        if PurePosixPath(path).name != self.name:
            raise FileNotFoundError(path)
        return _Stream(self)


class _Stream(io.RawIOBase):
    def __init__(self, remote: _Remote):
        self._remote, self._at = remote, 0

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_END:
            self._at = self._guarded(lambda: self._remote.ranges.size(self._remote.url), 0) + offset
        else:
            self._at = offset + (self._at if whence == os.SEEK_CUR else 0)
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, length: int = -1) -> bytes:  # type: ignore[override]
        remote = self._remote
        if length < 0:
            length = self._guarded(lambda: remote.ranges.size(remote.url), 0) - self._at
        data = self._guarded(lambda: remote.ranges.read(remote.url, self._at, length), b"")
        self._at += len(data)
        return data

    def _guarded(self, ask: Any, otherwise: Any) -> Any:
        """GDAL takes no exception. It sees a short read, and the caller of `opened` sees the reason."""
        if self._remote.error:
            return otherwise
        try:
            return ask()
        except (Refusal, LandloomError, OSError) as error:
            self._remote.error = error
            return otherwise


def _total(response: httpx.Response, start: int) -> int | None:
    """Bytes of the whole file, by the Content-Range of a part that begins at `start`; None where it is another part."""
    unit, _, rest = response.headers.get("content-range", "").partition(" ")
    span, _, total = rest.partition("/")
    begins = span.partition("-")[0]
    return int(total) if unit == "bytes" and begins == str(start) and total.isdigit() else None
