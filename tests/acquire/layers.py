"""Real elevation, other grids and parts of it, and the layers that programs compute from it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import rasterio
from rasterio.errors import RasterioError
from scipy.ndimage import zoom

from tasks.acquire.common.opening import opened
from tasks.acquire.sources.sample.planet import planet_height
from tasks.relief.shade.slope import gradient

DEGREE_M = 111_195.0
WINDOW = 256  # pixels along a side of a part
PLACES = [(14, 150), (20, -165), (0, 150), (-4, -147), (44.5, 7.5), (-12.5, 30.5), (60.2, 80.4), (-35.4, 140.2)]
"""South, west corners on the procedural planet: a plain, hills, mountains, high mountains, and others."""
GRIDS_M = (30.0, 90.0, 300.0)


def real(folder: Path) -> Iterator[tuple[str, np.ndarray, float]]:
    """Name, heights (H, W) float32 with NaN for voids, and metres a pixel of each raster that can be read."""
    for path in sorted(folder.iterdir()):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                with opened(path) as dataset:
                    if dataset.count != 1 or dataset.dtypes[0] == "uint8" or min(dataset.shape) < 128:
                        continue
                    heights = dataset.read(1).astype(np.float32)
                    nodata, pixel, geographic = dataset.nodata, abs(dataset.transform.a), _degrees(dataset)
        except (RasterioError, ValueError, RuntimeError):  # tables, headers and notes lie between them
            continue
        if nodata is not None:
            heights[heights == np.float32(nodata)] = np.nan
        heights[(heights < -12_000) | (heights > 9_000) | (heights == -999) | (heights == -9999)] = np.nan
        if np.isfinite(heights).any():
            yield path.name, heights, pixel * (DEGREE_M if geographic else 1.0)


def planet() -> Iterator[tuple[str, np.ndarray, float]]:
    """The same of squares of 320 pixels of the procedural planet, at several metres a pixel."""
    for south, west in PLACES:
        for pixel in GRIDS_M:
            lat = south + np.arange(320)[::-1, None] * pixel / DEGREE_M
            lon = west + np.arange(320)[None] * pixel / DEGREE_M / np.cos(np.radians(south))
            heights = planet_height(lat, lon, 20, 2 * pixel / 1000)
            if (heights > 0).mean() > 0.1:
                yield f"planet {south} {west} at {pixel:g} m", heights, pixel


def other_grids(heights: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Coarser by means of 2² and 4² pixels, and finer by linear and cubic interpolation."""
    for side in (2, 4):
        rows, cols = (size // side * side for size in heights.shape)
        if min(rows, cols) >= 128 * side:
            coarse = heights[:rows, :cols].reshape(rows // side, side, cols // side, side)
            yield f"means of {side}²", coarse.mean(axis=(1, 3))
    part = heights[:200, :200]
    if np.isfinite(part).all() and min(part.shape) == 200:
        yield "twice as fine", zoom(part, 2, order=1)
        yield "three times as fine", zoom(part, 3, order=3)


def parts(heights: np.ndarray) -> Iterator[np.ndarray]:
    """Squares of `WINDOW` pixels with few voids."""
    for top in range(0, heights.shape[0] - WINDOW + 1, WINDOW):
        for left in range(0, heights.shape[1] - WINDOW + 1, WINDOW):
            part = heights[top : top + WINDOW, left : left + WINDOW]
            if np.isfinite(part).mean() > 0.9:
                yield part


def small_reliefs(part: np.ndarray, rng: np.random.Generator) -> Iterator[tuple[str, np.ndarray]]:
    """The shape of a part as low ground above the sea, with and without noise, in real and in whole numbers."""
    low, high = np.nanmin(part), np.nanmax(part)
    if high > low:
        for top in (20, 80):
            for noise in (0.0, 0.3, 1.0):
                ground = (part - low) * (top / (high - low)) + rng.normal(0, noise, part.shape)
                ground = (ground - np.nanmin(ground)).astype(np.float32)
                yield f"{top} m high, noise {noise:g} m", ground
                if noise != 0.3:
                    yield f"{top} m high, noise {noise:g} m, whole metres", np.rint(ground)


def computed(heights: np.ndarray, pixel: float) -> Iterator[tuple[str, str, np.ndarray]]:
    """Kind, description and values of what is computed from heights, as GDAL, GRASS, SAGA and ArcGIS do."""
    east, north = gradient(heights, pixel)  # Horn's
    steep = np.hypot(east, north)
    degrees = np.degrees(np.arctan(steep))
    yield "slope", "degrees", degrees
    yield "slope", "whole degrees", np.rint(degrees)
    yield "slope", "percent", 100 * steep
    yield "slope", "rise over run", steep
    down, across = np.gradient(heights, pixel)
    yield "slope", "degrees, two neighbours", np.degrees(np.arctan(np.hypot(down, across)))
    aspect = np.where(steep > 0, np.degrees(np.arctan2(-east, -north)) % 360, np.nan)
    yield "aspect", "degrees", aspect
    yield "aspect", "whole degrees, -1 where flat", np.where(np.isnan(aspect) & np.isfinite(steep), -1, np.rint(aspect))
    yield "aspect", "radians", np.radians(aspect)
    for what, azimuth, altitude, times in _LIGHTS:
        turn, rise = np.radians(azimuth), np.radians(altitude)
        light = np.sin(rise) - np.cos(rise) * times * (np.sin(turn) * east + np.cos(turn) * north)
        shade = np.clip(light / np.sqrt(1 + (times * steep) ** 2), 0, 1)
        yield "hillshade", f"0 to 1{what}", shade
        yield "hillshade", f"whole, 1 to 255{what}", np.rint(1 + 254 * shade)
    near = np.stack([heights[1 + i : len(heights) - 1 + i, 1 + j : heights.shape[1] - 1 + j] for i, j in _AROUND])
    middle = heights[1:-1, 1:-1]
    yield "roughness", "range of nine", np.maximum(near.max(axis=0), middle) - np.minimum(near.min(axis=0), middle)
    yield "roughness", "terrain ruggedness index", np.abs(near - middle).mean(axis=0)
    yield "curvature", "position index", middle - near.mean(axis=0)
    yield "curvature", "Laplacian", (near[[1, 3, 4, 6]].sum(axis=0) - 4 * middle) / np.float32(pixel**2)


_LIGHTS = (("", 315, 45, 1), (", sun in the south", 180, 60, 1), (", twice", 315, 45, 2))
_AROUND = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j]


def _degrees(dataset: rasterio.DatasetReader) -> bool:
    return dataset.crs.is_geographic if dataset.crs else abs(dataset.transform.a) < 0.5
