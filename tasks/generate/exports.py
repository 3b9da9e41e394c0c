"""One file format each: a float GeoTIFF, and 16-bit heightmaps with the way back to metres.

Every writer takes the same array: float32 (H, W), metres, row 0 in the north.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import rasterio
from affine import Affine
from PIL import Image

# A generated terrain lies nowhere on Earth. An engineering CRS says just that: x to the east and y to the
# north, in metres from the terrain's south-west corner. GIS tools measure lengths and slopes in it, and none
# of them puts it on a map of the world.
NOWHERE = (
    'ENGCRS["Generated terrain, no place on Earth",EDATUM["South-west corner of the terrain"],CS[Cartesian,2],'
    'AXIS["easting",east,ORDER[1],LENGTHUNIT["metre",1]],AXIS["northing",north,ORDER[2],LENGTHUNIT["metre",1]]]'
)
TOP = 65535  # the largest 16-bit code


class Codes(NamedTuple):
    """A 16-bit heightmap: height in metres = `low` + code · `step`."""

    codes: np.ndarray  # uint16 (H, W)
    low: float
    step: float  # metres; 0 where the terrain is flat

    def metres(self) -> np.ndarray:
        """Heights as float64, within half a step of what was encoded."""
        return self.low + self.codes * self.step


def encode(height: np.ndarray) -> Codes:
    """Spread the terrain's own range over all 65,536 codes; a flat terrain is all zeros with step 0."""
    low, high = float(height.min()), float(height.max())
    step = (high - low) / TOP
    if step == 0:
        return Codes(np.zeros(height.shape, np.uint16), low, 0.0)
    # In float64: a float32 of 8,000 m resolves half a millimetre, far coarser than a step of a plain.
    return Codes(np.rint((height.astype(np.float64) - low) / step).astype(np.uint16), low, step)


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


def write_r16(path: Path, codes: np.ndarray) -> None:
    """Write bare little-endian 16-bit codes, row after row from the north, each from the west; no header."""
    path.write_bytes(codes.astype("<u2").tobytes())


def read_r16(path: Path, shape: tuple[int, int]) -> np.ndarray:
    """uint16 of `shape`, which the file itself does not say."""
    return np.frombuffer(path.read_bytes(), "<u2").reshape(shape).astype(np.uint16)
