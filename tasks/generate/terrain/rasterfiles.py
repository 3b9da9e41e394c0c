"""Raster files: a float GeoTIFF, and 16-bit heightmaps. Arrays are (H, W), row 0 in the north."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from PIL import Image

# A generated terrain has no place on Earth. An engineering CRS says so: x runs east and y runs north, in
# metres from the terrain's south-west corner. GIS tools can measure lengths and slopes in it, and do not
# put it on a map of the world.
NOWHERE = (
    'ENGCRS["Generated terrain, no place on Earth",EDATUM["South-west corner of the terrain"],CS[Cartesian,2],'
    'AXIS["easting",east,ORDER[1],LENGTHUNIT["metre",1]],AXIS["northing",north,ORDER[2],LENGTHUNIT["metre",1]]]'
)
BYTE_ORDERS = {"windows": "<u2", "mac": ">u2"}  # as Unity names them


def write_geotiff(path: Path, height: np.ndarray, gsd: float, tags: dict[str, str]) -> None:
    """Write float32 metres with the pixel size `gsd`, in the CRS of no place."""
    rows, cols = height.shape
    profile = {
        "driver": "GTiff",
        "dtype": "float32",
        "count": 1,
        "height": rows,
        "width": cols,
        "crs": NOWHERE,
        "transform": Affine(gsd, 0, 0, 0, -gsd, rows * gsd),
        "compress": "deflate",  # with predictor 3 nearly as small as ZSTD, and every reader knows it
        "predictor": 3,
    }
    with rasterio.open(path, "w", **profile) as target:
        target.write(height, 1)
        target.set_band_description(1, "height")
        target.units = ("m",)
        target.update_tags(**tags)


def read_geotiff(path: Path) -> tuple[np.ndarray, float]:
    """(heights in metres, pixel size in metres)."""
    with rasterio.open(path) as source:
        return source.read(1), source.res[0]


def write_png16(path: Path, codes: np.ndarray) -> None:
    """Write a 16-bit greyscale PNG, first row in the north."""
    Image.fromarray(codes).save(path)


def read_png16(path: Path) -> np.ndarray:
    """uint16 (H, W)."""
    with Image.open(path) as image:
        return np.asarray(image).astype(np.uint16)


def write_raw16(path: Path, codes: np.ndarray, byte_order: str = "windows", flip: bool = False) -> None:
    """Write bare 16-bit codes, row after row, each from the west; no header.

    Args:
        byte_order: `windows` (little-endian) or `mac` (big-endian).
        flip: from the south instead of from the north.
    """
    path.write_bytes((codes[::-1] if flip else codes).astype(BYTE_ORDERS[byte_order]).tobytes())


def read_raw16(path: Path, shape: tuple[int, int], byte_order: str = "windows", flip: bool = False) -> np.ndarray:
    """uint16 of `shape`, which the file does not state; first row in the north."""
    codes = np.frombuffer(path.read_bytes(), BYTE_ORDERS[byte_order]).reshape(shape).astype(np.uint16)
    return codes[::-1] if flip else codes
