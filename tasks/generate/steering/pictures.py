"""Small PNG pictures that a person paints: masks, and names of files."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from PIL import Image

from tasks.core.errors import LandloomError

LONGEST = 150  # bytes; files of samples add up to 40 bytes to a name


def read_mask(path: Path, px: int) -> np.ndarray:
    """A mask as bool (px, px): True where the picture is white, False where it is black.

    Grey pixels come from soft brushes. They count as white, so that a stroke replaces all that it touches.

    Raises:
        LandloomError: it is no PNG of px × px pixels, it has colours, or it is all of one colour.
    """
    try:
        with Image.open(path, formats=("PNG",)) as image:
            rgba = np.asarray(image.convert("RGBA")).astype(int)
    except FileNotFoundError:
        raise LandloomError(f"{path}: there is no such file") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise LandloomError(f"{path}: not a PNG that can be read: {' '.join(str(error).split())}") from None
    if rgba.shape[:2] != (px, px):
        raise LandloomError(
            f"{path}: {rgba.shape[1]} × {rgba.shape[0]} pixels, and the mask of this model has {px} × {px}"
        )
    if (np.ptp(rgba[..., :3], axis=-1) > 8).any():
        raise LandloomError(f"{path}: a mask has no colours; paint white what is to be made, and black what is kept")
    if (rgba[..., 3] < 255).any():
        raise LandloomError(f"{path}: a mask has no transparent pixels; paint white what is to be made, black the rest")
    white = rgba[..., 0] > 0
    if white.all() or not white.any():
        one, other = ("white", "kept") if white.all() else ("black", "made")
        raise LandloomError(f"{path}: every pixel is {one}, so that nothing is {other}")
    return white


def stem(text: str) -> str:
    """A name for files that every shell, disk and reader of meshes takes; empty if nothing of `text` is left.

    In many readers, an OBJ whose name has spaces does not find its material. A name of dots is no folder of its own,
    and a leading dash is an option.
    """
    name = re.sub(r"[^\w.-]+", "_", text).strip("._-")
    while len(name.encode()) > LONGEST:
        name = name[:-1]
    return name


def shown(path: Path) -> str:
    """A path as text, also where its bytes are no UTF-8."""
    return str(path).encode("utf-8", "backslashreplace").decode()
