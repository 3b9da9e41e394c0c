"""Whether the bytes of a picture file are whole. Decoders fill what is missing with grey, often without a word.

PNG has a checksum a chunk, and RIFF (WebP) a length. JPEG has neither: its markers are followed to the end, and
libjpeg's warnings, which Pillow ignores and GDAL reports, count as damage.
"""

from __future__ import annotations

import mmap
import re
import warnings
import zlib
from pathlib import Path

import rasterio
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader
from rasterio.windows import Window

from tasks.formats.colors.errors import Broken

_ROWS = 256  # rows decoded at a time
_HARMLESS = re.compile(r" [1-4] extraneous bytes before marker 0xd9")  # padding between the last pixel and the end


def check_whole(path: Path, kind: str) -> None:
    """Check a file of Pillow's format `kind`; raise `Broken` where a part is missing or damaged."""
    check = {"JPEG": _check_jpeg, "MPO": _check_jpeg, "PNG": _check_png, "WEBP": _check_riff}.get(kind)
    if check is None or not path.stat().st_size:
        return
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        check(data)
    if check is _check_jpeg:
        _check_jpeg_scans(path)


def _check_png(data: mmap.mmap) -> None:
    at = 8
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        end = at + 8 + length
        if end + 4 > len(data):
            break
        if zlib.crc32(data[at + 4 : end]) != int.from_bytes(data[end : end + 4], "big"):
            raise Broken(f"is damaged: wrong checksum at byte {at}")
        if data[at + 4 : at + 8] == b"IEND":
            return
        at = end + 4
    raise Broken("breaks off: its last chunk is missing")


def _check_riff(data: mmap.mmap) -> None:
    if int.from_bytes(data[4:8], "little") + 8 > len(data):
        raise Broken(f"breaks off: {len(data)} bytes where its header asks for more")


def _check_jpeg(data: mmap.mmap) -> None:
    """Follow the markers from the start of the image to its end."""
    at, scans = 2, 0
    while True:
        at = data.find(b"\xff", at)
        if at < 0 or at + 1 >= len(data):
            raise Broken("breaks off: its end marker is missing")
        marker = data[at + 1]
        if marker == 0xFF:  # padding before a marker
            at += 1
        elif marker == 0x00 or marker == 0x01 or 0xD0 <= marker <= 0xD8:  # pixel data, or a marker without content
            at += 2
        elif marker == 0xD9:
            if not scans:
                raise Broken("is damaged: it ends before its pixels")
            return
        else:
            length = int.from_bytes(data[at + 2 : at + 4], "big")
            if length < 2:
                raise Broken(f"is damaged: a part without content at byte {at}")
            scans += marker == 0xDA
            at += 2 + length


def _check_jpeg_scans(path: Path) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            # Not `rasterio.open`, which keeps datasets for all threads.
            with (
                rasterio.Env(GDAL_ERROR_ON_LIBJPEG_WARNING="YES"),
                DatasetReader(path, driver=["JPEG"], sharing=False) as dataset,
            ):
                for top in range(0, dataset.height, _ROWS):
                    dataset.read(window=Window(0, top, dataset.width, min(_ROWS, dataset.height - top)))
    except RasterioError as error:
        told = " ".join(str(error.__cause__ or error).split())
        if not _HARMLESS.search(told):
            raise Broken(f"is damaged: {told}") from None
