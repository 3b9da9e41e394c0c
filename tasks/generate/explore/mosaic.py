"""A picture of any size from a plane's windows, written band by band."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from models.core.products import Plane


def bands(plane: Plane, width: int, height: int) -> Iterator[np.ndarray]:
    """The rows of windows of the picture, from the top, each uint8 (up to plane.side, width, 3)."""
    for row in range(-(-height // plane.side)):
        band = np.concatenate([plane.window(row, col) for col in range(-(-width // plane.side))], axis=1)
        yield band[: height - row * plane.side, :width]


def write_bands(path: Path, parts: Iterator[np.ndarray], width: int, height: int) -> None:
    """Write the bands as one PNG; the memory is that of one band."""
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning
    from rasterio.shutil import copy
    from rasterio.windows import Window

    raw = path.with_name(f".{path.stem}.tif")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        options = {"width": width, "height": height, "count": 3, "dtype": "uint8", "photometric": "RGB"}
        try:
            with rasterio.open(raw, "w", "GTiff", BIGTIFF="IF_SAFER", INTERLEAVE="PIXEL", **options) as target:
                top = 0
                for part in parts:
                    target.write(np.moveaxis(part, -1, 0), window=Window(0, top, width, len(part)))
                    top += len(part)
            copy(raw, path, driver="PNG")
        finally:
            raw.unlink(missing_ok=True)
            path.with_name(f"{path.name}.aux.xml").unlink(missing_ok=True)
