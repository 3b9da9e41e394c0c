"""The Exif orientation: which turn or mirror makes the stored pixels upright."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from PIL import Image

TURNS = {
    1: (False, False, False),
    2: (False, True, False),
    3: (False, True, True),
    4: (False, False, True),
    5: (True, False, False),
    6: (True, True, False),
    7: (True, True, True),
    8: (True, False, True),
}
"""Orientation to (swap rows and columns, then mirror left-right, then flip top-bottom)."""

TAG = 274  # of the orientation, in Exif and in TIFF
_SHORT = 3  # type of its value in TIFF


def turn_upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Pixels (H, W) or (H, W, channels), turned upright, in one piece of memory."""
    swap, mirror, flip = TURNS[orientation]
    if swap:
        pixels = pixels.swapaxes(0, 1)
    return np.ascontiguousarray(pixels[:: -1 if flip else 1, :: -1 if mirror else 1])


def known_turn(value: object) -> int:
    """The orientation if it is one of the eight, else 1: Exif reserves the other values."""
    return int(value) if isinstance(value, int) and value in TURNS else 1


def png_orientation(path: Path) -> int:
    """The orientation of a PNG, in its `eXIf` chunk. GDAL does not report it."""
    with Image.open(path, formats=["PNG"]) as image:
        return known_turn(image.getexif().get(TAG))


def tiff_orientation(path: Path) -> int:
    """The orientation of the first page of a TIFF; 1 for any other file. GDAL does not report it."""
    with path.open("rb") as stream:
        start = stream.read(16)
        order = {b"II": "<", b"MM": ">"}.get(start[:2])
        if order is None or len(start) < 16:
            return 1
        version = struct.unpack(f"{order}H", start[2:4])[0]
        if version == 42:
            (place,) = struct.unpack(f"{order}I", start[4:8])
            count_type, entry_bytes, value_at = "H", 12, 8
        elif version == 43:  # BigTIFF
            (place,) = struct.unpack(f"{order}Q", start[8:16])
            count_type, entry_bytes, value_at = "Q", 20, 12
        else:
            return 1
        stream.seek(place)
        head = stream.read(struct.calcsize(count_type))
        if len(head) < struct.calcsize(count_type):
            return 1
        (count,) = struct.unpack(f"{order}{count_type}", head)
        entries = stream.read(min(count, 4096) * entry_bytes)
    for at in range(0, len(entries) - entry_bytes + 1, entry_bytes):
        tag, kind = struct.unpack(f"{order}HH", entries[at : at + 4])
        if tag == TAG and kind == _SHORT:
            return known_turn(struct.unpack(f"{order}H", entries[at + value_at : at + value_at + 2])[0])
    return 1
