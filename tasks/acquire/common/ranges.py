"""Rasters of the web that are read in parts: only the bytes that a window needs are fetched, each once.

GDAL reads through the one HTTP client of the stage, so limits, waits and tokens are those of every other request, and
GDAL itself asks no server. For every URL the folder holds `<key>.ranges`, a sparse file with the parts in their places,
and `<key>.ranges.json` with what the server says of the whole file and which parts are there. `key` is the hash of the
URL without its signature.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import count, pairwise
from pathlib import Path, PurePosixPath
from typing import Any

import httpx
import rasterio
from filelock import FileLock
from rasterio.errors import RasterioError

from tasks.acquire.common.download import Signer
from tasks.acquire.common.http import THROTTLED, TRANSIENT, Attempts, Http, describe, host_of, plain, retry_after
from tasks.acquire.common.source import Absent, Refusal, Unreadable
from tasks.acquire.common.stray import stray
from tasks.core.errors import LandloomError
from tasks.core.files import write_json

PART = 1 << 19
"""Bytes of one part. Four blocks of 512² pixels, which lie beside each other in a file, are two or three parts."""

_NUMBERS = count(1)  # of the names by which GDAL knows the files that this process has opened


@dataclass
class _Known:
    """What is known of one file: what the server says of the whole of it, and which parts are there."""

    validator: str | None = None
    total: int | None = None
    parts: list[int] = field(default_factory=list)


class Ranges:
    """The parts of a folder. Several threads and processes can use it at once."""

    def __init__(self, folder: Path, http: Http, max_bytes: int, signer: Signer | None = None):
        self._folder, self._http, self._max, self._signer = folder, http, max_bytes, signer

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
            known = self._fetched(url, base, start, length)
            with Path(f"{base}.ranges").open("rb") as stream:
                stream.seek(start)
                return stream.read(max(0, min(length, (known.total or 0) - start)))

    def size(self, url: str) -> int:
        """Bytes of the whole file."""
        base = self._base(url)
        with FileLock(f"{base}.ranges.lock"):
            return self._fetched(url, base, 0, 1).total or 0

    def _base(self, url: str) -> Path:
        key = hashlib.sha256(plain(url).encode()).hexdigest()
        base = self._folder / key[:2] / key
        base.parent.mkdir(parents=True, exist_ok=True)
        return base

    def _fetched(self, url: str, base: Path, start: int, length: int) -> _Known:
        """What is known of the file once the bytes are there. Parts beside each other come in one request."""
        known = _known(base)
        last = start + max(length, 1) - 1
        if known.total is not None:
            last = min(last, known.total - 1)
        there = set(known.parts)
        missing = [part for part in range(start // PART, last // PART + 1) if part not in there]
        breaks = [0, *(at + 1 for at, (one, other) in enumerate(pairwise(missing)) if other > one + 1), len(missing)]
        for first, end in pairwise(breaks):
            if first < end:
                known = self._request(url, base, known, missing[first], missing[end - 1])
        return known

    def _request(self, url: str, base: Path, known: _Known, first: int, last: int) -> _Known:
        attempts = Attempts(url, self._http)
        start, end = first * PART, (last + 1) * PART - 1
        if known.total is not None:
            end = min(end, known.total - 1)
        headers = {"Range": f"bytes={start}-{end}"} | ({"If-Range": known.validator} if known.validator else {})
        while True:
            try:
                with self._http.open("GET", self._signer.sign(url) if self._signer else url, headers) as response:
                    found = self._take(url, response, base, known, start, end, attempts)
            except httpx.TransportError as error:
                attempts.failed(describe(error))
                continue
            if found:
                self._http.blocks.file(host_of(url))
                return found

    def _take(
        self, url: str, response: httpx.Response, base: Path, known: _Known, start: int, end: int, attempts: Attempts
    ) -> _Known | None:
        """Put the bytes of an answer into their place; None where it has to be asked again."""
        status = response.status_code
        if status not in (200, 206):
            self._turned_down(url, response, base, attempts)
            return None
        validator = _validator(response)
        if known.validator and validator and validator != known.validator:
            _forget(base)
            raise Unreadable("it changed while it was read: run again")
        if status == 206:
            total = _total(response, start)
            if total is None or (known.total is not None and total != known.total):
                attempts.failed("answers with another part than was asked for")
                return None
        else:  # the server gives no parts, or has another file now
            start, total, end = 0, None, self._max
        body = bytearray()
        for chunk in response.iter_raw(PART):
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
            return None
        return _keep(base, _Known(validator, total, known.parts if status == 206 else []), start, bytes(body[:wanted]))

    def _turned_down(self, url: str, response: httpx.Response, base: Path, attempts: Attempts) -> None:
        status = response.status_code
        if status in (404, 410):
            raise Absent(f"the server answers {status}: it is not there")
        if status in TRANSIENT:
            attempts.failed(f"answers {status}", retry_after(response), throttled=status in THROTTLED)
        elif status in (401, 403) and self._signer:
            self._signer.renew(url)
            attempts.failed(f"answers {status} to a signed request")
        elif status in (412, 416):
            _forget(base)
            raise Unreadable(f"the server answers {status} to a part that it should have: run again")
        else:
            self._http.deny(url, f"answers {status}")


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


def _known(base: Path) -> _Known:
    try:
        return _Known(**json.loads(Path(f"{base}.ranges.json").read_text()))
    except (OSError, ValueError, TypeError):
        return _Known()


def _keep(base: Path, known: _Known, start: int, body: bytes) -> _Known:
    """Write bytes into their place, and then that they are there: a kill between the two costs one request."""
    data = Path(f"{base}.ranges")
    with data.open("rb+" if data.exists() else "wb") as stream:
        stream.seek(start)
        stream.write(body)
    last = (start + len(body) - 1) // PART
    known = _Known(known.validator, known.total, sorted({*known.parts, *range(start // PART, last + 1)}))
    write_json(Path(f"{base}.ranges.json"), asdict(known))
    return known


def _forget(base: Path) -> None:
    for name in (".ranges.json", ".ranges"):
        Path(f"{base}{name}").unlink(missing_ok=True)


def _validator(response: httpx.Response) -> str | None:
    """What says that two answers are of the same file: a strong etag, or else the date."""
    etag = response.headers.get("etag")
    return etag if etag and not etag.startswith("W/") else response.headers.get("last-modified")


def _total(response: httpx.Response, start: int) -> int | None:
    """Bytes of the whole file, by the Content-Range of a part that begins at `start`; None where it is another part."""
    unit, _, rest = response.headers.get("content-range", "").partition(" ")
    span, _, total = rest.partition("/")
    begins = span.partition("-")[0]
    return int(total) if unit == "bytes" and begins == str(start) and total.isdigit() else None
