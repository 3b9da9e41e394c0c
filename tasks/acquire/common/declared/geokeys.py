"""The vertical keys of a GeoTIFF. GDAL leaves them out where they name a unit and no vertical CRS.

The keys are those of the OGC GeoTIFF standard 1.1, chapter 7: a directory of four numbers a key in tag 34735.
"""

from __future__ import annotations

import struct
from pathlib import Path

VERTICAL_UNITS = 4099
_KEY_DIRECTORY = 34735
_LARGEST = 1 << 16  # bytes; a directory of keys has a few hundred


def geokeys(path: Path) -> dict[int, int]:
    """Keys with a short value of the first page; empty for what is no TIFF."""
    with path.open("rb") as file:
        head = file.read(16)
        order = {b"II": "<", b"MM": ">"}.get(head[:2])
        if order is None or len(head) < 16:
            return {}
        version = struct.unpack(order + "H", head[2:4])[0]
        try:
            if version == 42:
                numbers = _numbers(file, order, struct.unpack(order + "I", head[4:8])[0], "H", "I")
            elif version == 43:
                numbers = _numbers(file, order, struct.unpack(order + "Q", head[8:16])[0], "Q", "Q")
            else:
                return {}
        except struct.error:  # the file ends early; GDAL tells
            return {}
    keys = [numbers[i : i + 4] for i in range(4, len(numbers) - 3, 4)]
    return {key: value for key, place, _, value in keys if place == 0}


def _numbers(file, order: str, start: int, count: str, offset: str) -> tuple[int, ...]:  # noqa: ANN001
    """The numbers of the key directory; none where the page has no such tag."""
    file.seek(start)
    size = struct.calcsize("<" + count)
    entries = struct.unpack(order + count, file.read(size))[0]
    width = struct.calcsize(order + "HH" + 2 * offset)
    for _ in range(min(entries, 4096)):
        entry = file.read(width)
        tag, kind, length, where = struct.unpack(order + "HH" + 2 * offset, entry)
        if tag == _KEY_DIRECTORY and kind == 3 and 2 * length <= _LARGEST:
            held = struct.calcsize(order + offset)
            if 2 * length <= held:
                body = entry[-held:][: 2 * length]
            else:
                file.seek(where)
                body = file.read(2 * length)
            return struct.unpack(f"{order}{length}H", body)
    return ()
