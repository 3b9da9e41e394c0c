"""A picture file of any kind as sRGB: the whole of it, or an open file to read windows of."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from tasks.core.errors import LandloomError
from tasks.formats.colors.banded import BandedFile, open_banded
from tasks.formats.colors.encoded import EncodedFile, open_encoded
from tasks.formats.colors.upright import turn_upright


def read_srgb(path: Path, *, largest: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """A whole picture as sRGB, upright.

    Grey, palette, CMYK, 16-bit and transparent pixels become RGB bytes; an embedded colour profile is converted. Of
    a TIFF with several pages the first is read.

    Args:
        largest: the longest side that the caller has a use for, in pixels. A JPEG is then decoded at 1/2, 1/4 or 1/8 of
            its size if its longest side stays at least that long. Other formats come at full size.

    Returns:
        RGB, uint8 (H, W, 3), and whether each pixel is valid, bool (H, W): false where it is transparent, masked or
        void. Pixels that are not valid are black.

    Raises:
        ValueError: the file is no whole picture, or not one that can be read; the message says why and names no file.
        LandloomError: there is no such file, or it may not be read.
    """
    with open_colors(path, largest=largest) as file:
        rgb, valid = file.read()
        return turn_upright(rgb, file.orientation), turn_upright(valid, file.orientation)


def open_colors(
    path: Path, *, nodata: float | None | Literal["file"] = "file", largest: int | None = None
) -> EncodedFile | BandedFile:
    """An open picture: its size, its orientation, and windows of its pixels as they are stored.

    Args:
        nodata: value of void pixels (a pixel is void if all its channels have it), None for none, `file` for the value
            that the file declares. Formats that are decoded as a whole declare none.
        largest: as in `read_srgb`.

    Raises:
        ValueError, LandloomError: as `read_srgb`.
    """
    path = Path(path)
    try:
        if not path.stat().st_size:
            raise ValueError("is empty")
        return open_encoded(path, largest, None if nodata == "file" else nodata) or open_banded(path, nodata)
    except OSError as error:
        raise LandloomError(f"{path}: cannot be read: {error.strerror or error}") from None
