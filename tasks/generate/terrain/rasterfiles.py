"""Raster files: a float GeoTIFF, and 16-bit heightmaps. Arrays are (H, W), row 0 in the north."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from PIL import Image

from tasks.generate.terrain.place import Place

# A generated terrain has no place on Earth, so it has an engineering CRS: x runs east and y runs north, in
# metres from the terrain's south-west corner. GIS tools can measure lengths and slopes in this CRS. They do
# not place the terrain on a map of the world.
NOWHERE = (
    'ENGCRS["Generated terrain, no place on Earth",EDATUM["South-west corner of the terrain"],CS[Cartesian,2],'
    'AXIS["easting",east,ORDER[1],LENGTHUNIT["metre",1]],AXIS["northing",north,ORDER[2],LENGTHUNIT["metre",1]]]'
)
BYTE_ORDERS = {"windows": "<u2", "mac": ">u2"}  # Unity's names


def georeference(rows: int, gsd: float, place: Place | None) -> tuple[str, Affine]:
    """CRS in WKT, and the transform from pixel corners to its coordinates."""
    return (NOWHERE, Affine(gsd, 0, 0, 0, -gsd, rows * gsd)) if place is None else (place.crs, place.transform)


def write_geotiff(path: Path, height: np.ndarray, gsd: float, tags: dict[str, str], place: Place | None = None) -> None:
    """Write float32 metres with the pixel size `gsd`, at its place, or else in the engineering CRS."""
    rows, cols = height.shape
    crs, transform = georeference(rows, gsd, place)
    profile = {
        "driver": "GTiff",
        "dtype": "float32",
        "count": 1,
        "height": rows,
        "width": cols,
        "crs": crs,
        "transform": transform,
        "compress": "deflate",  # every reader supports it; with predictor 3 files are nearly as small as with ZSTD
        "predictor": 3,
    }
    with rasterio.open(path, "w", **profile) as target:
        target.write(height, 1)
        target.set_band_description(1, "height")
        target.units = ("m",)
        target.update_tags(**tags)


def read_geotiff(path: Path) -> tuple[np.ndarray, float]:
    """Read a GeoTIFF: (heights in metres, pixel size in metres)."""
    with rasterio.open(path) as source:
        return source.read(1), source.res[0]


def write_png16(path: Path, codes: np.ndarray) -> None:
    """Write a 16-bit greyscale PNG, first row in the north."""
    Image.fromarray(codes).save(path)


def read_png16(path: Path) -> np.ndarray:
    """Read a 16-bit greyscale PNG: uint16 (H, W)."""
    with Image.open(path) as image:
        return np.asarray(image).astype(np.uint16)


def write_raw16(path: Path, codes: np.ndarray, byte_order: str = "windows", flip: bool = False) -> None:
    """Write 16-bit codes without a header, row after row, each row from west to east.

    Args:
        byte_order: `windows` (little-endian) or `mac` (big-endian).
        flip: the first row is the southern row instead of the northern row.
    """
    path.write_bytes((codes[::-1] if flip else codes).astype(BYTE_ORDERS[byte_order]).tobytes())


def read_raw16(path: Path, shape: tuple[int, int], byte_order: str = "windows", flip: bool = False) -> np.ndarray:
    """Read uint16 codes of `shape`, first row in the north. The file does not store the shape."""
    codes = np.frombuffer(path.read_bytes(), BYTE_ORDERS[byte_order]).reshape(shape).astype(np.uint16)
    return codes[::-1] if flip else codes
