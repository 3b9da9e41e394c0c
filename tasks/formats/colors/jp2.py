"""The colour profile of a JPEG 2000 file, which GDAL does not report: boxes of ISO/IEC 15444-1, annex I."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

_SIGNATURE = b"\0\0\0\x0cjP  \r\n\x87\n"
_PROFILE = (2, 3)  # methods of a colour box that hold a profile
_MOST = 1 << 24  # bytes of the header's boxes; a profile has up to a few hundred thousand


def jp2_profile(path: Path) -> bytes | None:
    """The first embedded profile, or None: a bare codestream has none, and most files name their space by a number."""
    with path.open("rb") as stream:
        if stream.read(len(_SIGNATURE)) != _SIGNATURE:
            return None
        header = None
        while header is None and len(start := stream.read(8)) == 8:
            length, kind = int.from_bytes(start[:4], "big"), start[4:]
            if kind == b"jp2h" and 8 <= length <= _MOST:
                header = stream.read(length - 8)
            elif kind == b"jp2c" or length < 8:  # the pixels, or a box to the end of the file
                return None
            else:
                stream.seek(length - 8, 1)
    for kind, content in _boxes(header or b""):
        if kind == b"colr" and len(content) > 3 and content[0] in _PROFILE:
            return content[3:]
    return None


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big") or len(data) - at
        if length < 8:
            return
        yield data[at + 4 : at + 8], data[at + 8 : at + length]
        at += length
