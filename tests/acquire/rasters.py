"""Small rasters for tests."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from rasterio.errors import NotGeoreferencedWarning


def hills(rows: int = 40, cols: int = 50, low: float = 200.0, high: float = 900.0) -> np.ndarray:
    """Smooth ground between two heights, int16."""
    y, x = np.mgrid[:rows, :cols]
    wave = np.sin(x / 6) * np.cos(y / 7)
    return (low + (high - low) * (wave + 1) / 2).astype(np.int16)


def write(path: Path, array: np.ndarray, **changes: Any) -> Path:
    """Write a GeoTIFF, by default at 8° E, 47° N with pixels of 3″."""
    bands = array if array.ndim == 3 else array[None]
    profile = {
        "driver": "GTiff",
        "dtype": str(array.dtype),
        "count": len(bands),
        "height": bands.shape[1],
        "width": bands.shape[2],
        "crs": "EPSG:4326",
        "transform": Affine(1 / 1200, 0, 8.0, 0, -1 / 1200, 47.0),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", **(profile | changes)) as target:
            target.write(bands)
    return path
