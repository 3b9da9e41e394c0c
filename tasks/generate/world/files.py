"""Writes a part of a world: a cloud-optimised GeoTIFF in strips, so that memory stays the same, and a picture."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import rasterio
from affine import Affine
from PIL import Image
from rasterio.enums import Resampling
from rasterio.shutil import copy
from rasterio.windows import Window

from tasks.generate.terrain.place import Place
from tasks.generate.world.blend import Plane
from tasks.relief.shade.hillshade import shaded_relief

BLOCK = 512  # pixels of a tile of the file
STRIP = 128  # rows that are made at once: those of a batch of windows
BAND = 4096  # columns that are made before those east of them; bounds memory
PICTURE = 2000  # longest side of the picture
VISIBLE, STRONGEST = 0.2, 20.0  # root mean square slope in the picture, and the largest factor on heights
CACHE_MB = 64  # of GDAL, which takes 5 % of the machine's memory by itself
TILED = {"tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK}
PACKED = {"compress": "DEFLATE", "predictor": "FLOATING_POINT", "blocksize": BLOCK, "overview_resampling": "AVERAGE"}

# A generated world has no place on Earth: x runs east and y runs north, in metres from the plane's corner of pixels
# (0, 0). All windows of a world share it, so that a GIS shows them side by side.
NOWHERE = (
    'ENGCRS["Generated plane, no place on Earth",EDATUM["Corner of row 0 and column 0"],CS[Cartesian,2],'
    'AXIS["easting",east,ORDER[1],LENGTHUNIT["metre",1]],AXIS["northing",north,ORDER[2],LENGTHUNIT["metre",1]]]'
)


def georeference(gsd: float, place: Place | None) -> tuple[str, Affine]:
    """CRS in WKT, and columns and rows of the plane to its coordinates; `place` is as in `write_heights`."""
    return (NOWHERE, Affine(gsd, 0, 0, 0, -gsd, 0)) if place is None else (place.crs, place.transform)


class Part(NamedTuple):
    """A rectangle of the plane, in pixels; row 0 and column 0 are the plane's."""

    col: int
    row: int
    cols: int
    rows: int


class Found(NamedTuple):
    """What the heights of a written window are."""

    low: float
    high: float
    mean: float
    sea: float


def strips(part: Part) -> Iterator[Part]:
    """The strips of a part, in the order in which they are made: down each band of columns."""
    for left in range(0, part.cols, BAND):
        for top in range(0, part.rows, STRIP):
            cols, rows = min(BAND, part.cols - left), min(STRIP, part.rows - top)
            yield Part(part.col + left, part.row + top, cols, rows)


def write_heights(
    path: Path,
    plane: Plane,
    part: Part,
    gsd: float,
    tags: dict[str, str],
    told: Callable[[float], None],
    place: Place | None = None,
) -> Found:
    """Write float32 metres as a COG with overviews.

    Args:
        plane: whose `read` gives float32 metres. told: called with the share that is done.
        place: of the plane's row 0 and column 0 on Earth; None for a plane of no place.
    """
    low, high, total, sea, done = math.inf, -math.inf, 0.0, 0, 0
    raw = path.with_name(f".{path.stem}.strips.tif")
    profile = {"driver": "GTiff", "dtype": "float32", "count": 1, "height": part.rows, "width": part.cols}
    crs, corner = georeference(gsd, place)
    profile |= {"crs": crs, "transform": corner @ Affine.translation(part.col, part.row)}
    with rasterio.Env(GDAL_CACHEMAX=CACHE_MB):
        try:
            with rasterio.open(raw, "w", **profile, **TILED, bigtiff="IF_SAFER") as target:
                for strip in strips(part):
                    heights = plane.read(strip.row, strip.col, strip.rows, strip.cols)
                    window = Window(strip.col - part.col, strip.row - part.row, strip.cols, strip.rows)
                    target.write(heights, 1, window=window)
                    low, high = min(low, float(heights.min())), max(high, float(heights.max()))
                    total, sea = total + float(heights.sum(dtype=np.float64)), sea + int((heights <= 0).sum())
                    done += heights.size
                    told(done / (part.rows * part.cols))
                target.set_band_description(1, "height")
                target.units = ("m",)
                target.update_tags(**tags)
            copy(raw, path, driver="COG", **PACKED)
        finally:
            raw.unlink(missing_ok=True)
    pixels = part.rows * part.cols
    return Found(low, high, total / pixels, sea / pixels)


def write_picture(path: Path, heights: Path, found: Found) -> float:
    """Write a tinted hillshade of a file of `write_heights`, at most `PICTURE` pixels a side.

    Returns:
        The factor on the heights in its shading. It gives ground that looks flat from afar visible slopes.
    """
    with rasterio.Env(GDAL_CACHEMAX=CACHE_MB), rasterio.open(heights) as source:
        shrink = max(1, math.ceil(max(source.shape) / PICTURE))
        shape = tuple(max(1, side // shrink) for side in source.shape)
        values = source.read(1, out_shape=shape, resampling=Resampling.average)
        gsd = source.res[0] * source.width / shape[1]
    if found.low <= 0:  # a pixel of the picture is sea where most of its ground is
        values = np.where(values < 0.5, 0.0, values).astype(np.float32)
    slope = np.sqrt(np.mean([np.square(np.diff(values, axis=axis)).mean() for axis in (0, 1)])) / gsd
    factor = float(np.clip(VISIBLE / slope, 1, STRONGEST)) if slope > 0 and min(values.shape) > 1 else 1.0
    Image.fromarray(shaded_relief(values, gsd, found.low, found.high, factor)).save(path)
    return factor
