"""One warp from the sources to a scene's grid.

Every pixel of a scene is interpolated once, from the published pixels. Where the grid is at least twice as coarse as
the source, a pixel is the plain average of the ground that it covers, at full resolution (the rule behind a file's
overviews is unknown). Nearer to 1:1 it is a cubic or bilinear interpolation. An interpolated pixel is void where the
source pixel under its centre is void. An averaged pixel is void where more than half of its ground is void. Voids
have no weight in other pixels.

Where sources of several lattices meet, the finest has priority. Holes and surroundings of its window are filled from
the other sources before the warp, so that kernels do not end at a sharp step. These borrowed pixels only support the
kernels: the scene's pixels there are warped directly from the other source.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from affine import Affine
from rasterio.crs import CRS
from rasterio.enums import Resampling
from rasterio.warp import reproject
from rasterio.windows import Window

from tasks.project.lattices import Lattice, lattices
from tasks.project.projection import from_lonlat, to_lonlat
from tasks.project.rasters import Raster, RasterReader

WINDOW_PIXELS = 3 << 21
"""Most source pixels (times bands) in memory at once. A larger window is processed in parts."""

_STRIP = 256
"""Columns warped at a time. GDAL interpolates positions linearly along a row, to within 0.125 pixels. The error
grows with the square of the row's length: it is below 0.01 for 256 columns and 0.13 for 1024."""

_POLE_BLOCK = 32  # pixels; side of the part around a pole that `_pole_average` averages
_SAMPLES = np.linspace(0, 1, 17)


@dataclass(frozen=True)
class Target:
    """A grid to warp to: CRS, affine from pixel to CRS, size."""

    crs: str
    transform: Affine
    cols: int
    rows: int

    def part(self, window: Window) -> Target:
        """A window of the grid as a separate grid."""
        moved = self.transform @ Affine.translation(window.col_off, window.row_off)
        return Target(self.crs, moved, int(window.width), int(window.height))


def warp(
    rasters: Sequence[Raster], target: Target, lon: float, resampling: str, reader: RasterReader
) -> tuple[np.ndarray, list[str]]:
    """All rasters of one layer on one grid.

    Args:
        lon: longitude of the grid's centre. resampling: `cubic` or `bilinear`, used near 1:1.

    Returns:
        float32 (bands, rows, cols), NaN for void, and the sorted keys of the rasters that were read with a value.
    """
    pieces = lattices(rasters, lon)
    out = np.full((pieces[0].bands, target.rows, target.cols), np.nan, np.float32)
    keys: set[str] = set()
    for piece in pieces:
        missing = np.isnan(out[0])
        if not missing.any():
            break
        others = [other for other in pieces if other is not piece]
        values, used = _warp_lattice(piece, target, resampling, reader, others)
        np.copyto(out, values, where=missing)
        keys |= used
    return out, sorted(keys)


def _warp_lattice(
    lattice: Lattice, target: Target, resampling: str, reader: RasterReader, others: Sequence[Lattice]
) -> tuple[np.ndarray, set[str]]:
    rate_x, rate_y, rate = _rates(lattice, target)
    # An average along an axis that does not shrink takes the nearest pixel; a cubic kernel scales with each axis.
    shrinks = rate >= 2 and min(rate_x, rate_y) >= 1
    options = {"XSCALE": min(1.0, 1 / rate_x), "YSCALE": min(1.0, 1 / rate_y)}
    halo = int(np.ceil(2 * max(1.0, rate_x, rate_y))) + 2
    # A window beyond the lattice's edge is needed only to be filled by others, or to count as not covered.
    rim = halo if shrinks or others else 0
    out = np.full((lattice.bands, target.rows, target.cols), np.nan, np.float32)
    keys: set[str] = set()
    for block, window in _blocks(lattice, target, halo, rim, shrinks):
        source, used = lattice.read(window, reader)
        known = ~np.isnan(source[0])
        if not known.any():
            continue
        keys.update(used)
        from_ = Target(lattice.frame.crs, lattice.transform, 0, 0).part(window)
        borrowed = bool(others) and not known.all()
        if borrowed:
            for other in others:
                values, _ = _warp_lattice(other, from_, "bilinear", reader, ())
                np.copyto(source, values, where=np.isnan(source))
        to = target.part(block)
        if shrinks:
            values = _average(source, known, from_, to, max(rate_x, rate_y), bool(lattice.frame.period))
        else:
            values = _reproject(source, from_, to, Resampling[resampling], options)
            if borrowed:  # otherwise GDAL applies the same rule itself: void where the nearest source pixel is void
                own = _reproject(known[None].astype(np.float32), from_, to, Resampling.nearest, options)
                values[:, own[0] != 1] = np.nan
        rows, cols = block.toslices()
        out[:, rows, cols] = values
    return out, keys


def _reproject(
    source: np.ndarray, from_: Target, to: Target, method: Resampling, options: dict[str, float]
) -> np.ndarray:
    out = np.full((len(source), to.rows, to.cols), np.nan, np.float32)
    holes = bool(np.isnan(source).any())
    for col in range(0, to.cols, _STRIP):
        strip = to.part(Window(col, 0, min(_STRIP, to.cols - col), to.rows))
        values = np.full((len(source), strip.rows, strip.cols), np.nan, np.float32)
        reproject(
            source,
            values,
            src_crs=_gdal_crs(from_.crs),
            src_transform=from_.transform,
            src_nodata=np.nan if holes else None,  # GDAL is faster without a mask
            dst_crs=_gdal_crs(to.crs),
            dst_transform=strip.transform,
            dst_nodata=np.nan,
            resampling=method,
            num_threads=1,
            warp_mem_limit=512,
            SAMPLE_GRID="YES",  # a pole can lie inside a grid, where samples along the edges do not find it
            **options,
        )
        out[:, :, col : col + strip.cols] = values
    return out


def _average(
    source: np.ndarray, known: np.ndarray, from_: Target, to: Target, rate: float, comes_round: bool
) -> np.ndarray:
    """Mean of the values that are not void; NaN where less than half of a pixel's ground is `known`.

    Sums and weights are bands without voids in one warp, which is twice as fast as a warp with a mask.
    """
    count = len(source)
    there = ~np.isnan(source[0])
    bands = np.empty((count + (1 if (there == known).all() else 2), *there.shape), np.float32)
    bands[:count] = source
    np.copyto(bands[:count], 0, where=~there)
    bands[count], bands[-1] = there, known
    if comes_round and _pole_inside(to, Window(0, 0, to.cols, to.rows)):
        means = _pole_average(bands, from_, to, rate)
    else:
        means = _reproject(bands, from_, to, Resampling.average, {})
    with np.errstate(invalid="ignore", divide="ignore"):
        values = means[:count] / means[count]
    values[:, ~(means[-1] >= 0.5)] = np.nan
    return values


def _pole_average(bands: np.ndarray, from_: Target, to: Target, rate: float) -> np.ndarray:
    """Means over the pixels around a pole, from `rate`² samples of each pixel.

    GDAL's `average` uses the range of source columns between the corners of a pixel. For pixels on the meridian where
    the source's columns begin and end, that range would be the whole circle.
    """
    factor = min(int(np.ceil(rate)), 64)
    finer = Target(to.crs, to.transform @ Affine.scale(1 / factor), to.cols * factor, to.rows * factor)
    samples = np.nan_to_num(_reproject(bands, from_, finer, Resampling.bilinear, {}))
    return samples.reshape(len(bands), to.rows, factor, to.cols, factor).mean(axis=(2, 4))


def _rates(lattice: Lattice, target: Target) -> tuple[float, float, float]:
    """Medians of the source columns, the source rows, and the square root of the source pixels in a target pixel."""
    col, row = (axis.ravel() for axis in np.meshgrid(_SAMPLES * target.cols, _SAMPLES * target.rows))
    x, y = _to_frame(lattice, target, np.stack([col, col + 1, col]), np.stack([row, row, row + 1]))
    x = x[0] + lattice.frame.near(x - x[0], 0.0)  # neighbours stay neighbours across 180°
    cols, rows = ~lattice.transform @ (x, y)
    good = np.isfinite(cols).all(axis=0) & np.isfinite(rows).all(axis=0)
    if not good.any():
        return 1.0, 1.0, 1.0
    cols, rows = cols[:, good], rows[:, good]
    across, along = cols[1:] - cols[0], rows[1:] - rows[0]  # each: per target column, per target row
    area = np.abs(across[0] * along[1] - across[1] * along[0])
    rates = np.hypot(*across), np.hypot(*along), np.sqrt(area)
    return tuple(max(float(np.median(rate)), 1e-6) for rate in rates)


def _blocks(lattice: Lattice, target: Target, halo: int, rim: int, shrinks: bool) -> Iterator[tuple[Window, Window]]:
    """Parts of the target and the lattice windows that they need, each small enough for memory."""
    waiting = [Window(0, 0, target.cols, target.rows)]
    while waiting:
        block = waiting.pop()
        window = _window(lattice, target, block, halo, rim)
        if window is None:
            continue
        too_large = window.width * window.height * lattice.bands > WINDOW_PIXELS
        side = max(block.width, block.height)
        if shrinks and lattice.frame.period and side > _POLE_BLOCK and _pole_inside(target, block):
            too_large = True
        if too_large and side > 1:
            waiting += _halves(block)
        else:
            yield block, window


def _halves(block: Window) -> list[Window]:
    col, row, width, height = (int(value) for value in block.flatten())
    if width >= height:
        half = width // 2
        return [Window(col, row, half, height), Window(col + half, row, width - half, height)]
    half = height // 2
    return [Window(col, row, width, half), Window(col, row + half, width, height - half)]


def _window(lattice: Lattice, target: Target, block: Window, halo: int, rim: int) -> Window | None:
    """The lattice window that a part of the target needs; None where the lattice does not reach the part."""
    frame, first_col, first_row, end_col, end_row = lattice.frame, *lattice.extent
    col, row = np.meshgrid(block.col_off + _SAMPLES * block.width, block.row_off + _SAMPLES * block.height)
    x, y = _to_frame(lattice, target, col.ravel(), row.ravel())
    pole = _pole_inside(target, block) if frame.period else 0
    if frame.geographic:
        middle = 0.0 if pole else _to_frame(lattice, target, np.array([col.mean()]), np.array([row.mean()]))[0][0]
        if not pole:  # the same turn of the circle as the sources of the scene
            middle = frame.near(np.array([middle]), frame.middle)[0]
    else:
        middle = frame.middle
    good = np.isfinite(x) & np.isfinite(y)
    if not good.any():
        return None
    x, y = frame.near(x[good], middle), y[good]
    if pole:  # all longitudes, up to the pole or to the end of the raster
        x = np.append(x, [middle - frame.period / 2, middle + frame.period / 2])
        beyond = [(lattice.transform @ (0, row))[1] for row in (first_row, end_row)]
        y = np.append(y, [max(beyond) if pole > 0 else min(beyond)] * 2)
    cols, rows = ~lattice.transform @ (x, y)
    left, right = max(np.floor(cols.min()) - halo, first_col - rim), min(np.ceil(cols.max()) + halo, end_col + rim)
    top, bottom = max(np.floor(rows.min()) - halo, first_row - rim), min(np.ceil(rows.max()) + halo, end_row + rim)
    if left >= min(right, end_col) or right <= first_col or top >= min(bottom, end_row) or bottom <= first_row:
        return None
    return Window(int(left), int(top), int(right - left), int(bottom - top))


def _pole_inside(target: Target, block: Window) -> int:
    """1 where the north pole lies in or near a part of the target, -1 for the south pole, else 0."""
    near = 2 + max(block.width, block.height) / (len(_SAMPLES) - 1)
    for pole in (1, -1):
        x, y = from_lonlat(target.crs, [0.0, 90.0], [90.0 * pole] * 2)
        # Applies only where the pole is a point. In a geographic or cylindrical target it is a line, or absent.
        if np.isfinite([*x, *y]).all() and np.ptp(x) + np.ptp(y) < 1e-3:
            col, row = ~target.transform @ (x[0], y[0])
            if -near < col - block.col_off < block.width + near and -near < row - block.row_off < block.height + near:
                return pole
    return 0


def _to_frame(lattice: Lattice, target: Target, col: np.ndarray, row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return from_lonlat(lattice.frame.crs, *to_lonlat(target.crs, *(target.transform @ (col, row))))


@lru_cache(256)
def _gdal_crs(crs: str) -> CRS:
    return CRS.from_user_input(crs)
