"""Terrain-RGB tiles of a world: z/x/y.png and tiles.json, which MapLibre, Mapbox and deck.gl read as ground.

A tile has heights in the colours of Mapbox: metres = -10000 + 0.1 (65536 red + 256 green + blue), see
https://docs.mapbox.com/data/tilesets/reference/mapbox-terrain-rgb-v1/. A world has no place on Earth, so its north-west
corner is put where the equator meets the first meridian, where Web Mercator keeps lengths, at the zoom whose pixels are
nearest in size to the world's.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import rasterio
from PIL import Image
from rasterio.enums import Resampling
from rasterio.windows import Window

from tasks.core.files import write_json

SIDE = 256  # pixels of a tile
AROUND_M = 2 * math.pi * 6378137.0  # of the Earth in Web Mercator
NEAREST, STEP = -10000.0, 0.1  # metres of code 0, and from code to code


def codes(heights: np.ndarray) -> np.ndarray:
    """Heights in metres (h, w) to colours, uint8 (h, w, 3), to the nearest 0.1 m."""
    code = np.clip(np.rint((heights.astype(np.float64) - NEAREST) / STEP), 0, 2**24 - 1).astype(np.uint32)
    return np.stack([code >> 16, code >> 8 & 255, code & 255], axis=-1).astype(np.uint8)


def heights(colors: np.ndarray) -> np.ndarray:
    """The inverse of `codes`, float64 metres."""
    red, green, blue = np.moveaxis(colors.astype(np.float64), -1, 0)
    return NEAREST + STEP * (65536 * red + 256 * green + blue)


def write_tiles(folder: Path, source: Path, name: str) -> dict[str, int | float]:
    """Write all tiles of a raster of heights, from its own resolution to one tile, and `tiles.json`.

    Beyond the raster's edges a tile repeats the last row and column.

    Returns:
        Facts for the sidecar.
    """
    with rasterio.open(source) as raster:
        finest = max(0, round(math.log2(AROUND_M / SIDE / raster.res[0])))
        side = max(1, math.ceil(max(raster.shape) / SIDE))
        levels = min(finest, math.ceil(math.log2(side))) if side > 1 else 0
        count = 0
        for level in range(levels + 1):
            zoom, span = finest - level, SIDE << level
            corner = 2**zoom // 2  # of the equator and the first meridian
            for row in range(math.ceil(raster.height / span)):
                for col in range(math.ceil(raster.width / span)):
                    path = folder / str(zoom) / str(corner + col) / f"{corner + row}.png"
                    path.parent.mkdir(parents=True, exist_ok=True)
                    Image.fromarray(codes(_square(raster, row * span, col * span, span))).save(path)
                    count += 1
        metres = AROUND_M / SIDE / 2**finest  # of a pixel on the map
        degrees = [side * metres * 360 / AROUND_M for side in (raster.width, raster.height)]
        south = -math.degrees(math.atan(math.sinh(math.radians(degrees[1]))))
    about = {
        "tilejson": "3.0.0",
        "name": name,
        "tiles": ["{z}/{x}/{y}.png"],
        "encoding": "mapbox",
        "tileSize": SIDE,
        "scheme": "xyz",
        "minzoom": finest - levels,
        "maxzoom": finest,
        "bounds": [0.0, south, degrees[0], 0.0],
    }
    write_json(folder / "tiles.json", about)
    return {"tiles": count, "minzoom": finest - levels, "maxzoom": finest, "metres_of_a_map_pixel": round(metres, 3)}


def _square(raster: rasterio.DatasetReader, row: int, col: int, span: int) -> np.ndarray:
    """`span` × `span` pixels averaged to one tile; float32 (SIDE, SIDE)."""
    rows, cols = min(span, raster.height - row), min(span, raster.width - col)
    shape = tuple(max(1, math.ceil(side * SIDE / span)) for side in (rows, cols))
    found = raster.read(1, window=Window(col, row, cols, rows), out_shape=shape, resampling=Resampling.average)
    return np.pad(found, [(0, SIDE - side) for side in shape], mode="edge")
