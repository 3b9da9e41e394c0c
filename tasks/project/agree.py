"""Heights of several rasters on the same ground, compared before they are mosaicked.

Where rasters overlap, the mosaic takes one of them. A raster that is no elevation model (an error layer, a slope, feet
taken as metres) would be taken as readily as a true one. So each pair that overlaps is compared at a few points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch

import numpy as np
from rasterio.windows import Window
from shapely import STRtree, contains_xy, get_parts, intersection
from shapely.geometry.base import BaseGeometry

from tasks.core.errors import LandloomError
from tasks.project.meridian import frame
from tasks.project.place import Placed
from tasks.project.projection import from_lonlat
from tasks.project.rasters import Raster, RasterReader

_LEAST_SHARE = 0.02  # of the smaller raster; neighbours share a line of pixels or a few
_POINTS = 40_000  # of all pairs together; each is four pixels of two rasters
_PER_PAIR = 9, 256
_UNLIKE = 0.3  # correlation of the heights of two rasters that show different things
_TOLD = 3  # pairs that a message names


@dataclass(frozen=True)
class Pair:
    """Two rasters on the same ground: median of `first - second` in metres, correlation (NaN on level ground)."""

    first: str
    second: str
    median: float
    correlation: float
    points: int
    disagree: bool

    def __str__(self) -> str:
        alike = "" if np.isnan(self.correlation) else f", correlation {self.correlation:.2f}"
        return f"{self.first} and {self.second} (median difference {self.median:+,.0f} m{alike})"


def left_out(placed: Sequence[Placed], disagree_m: float, prefer: Sequence[str]) -> dict[str, str]:
    """Key to reason of the rasters that lose against another one on the same ground.

    Args:
        disagree_m: `project.disagree_m`. prefer: `project.prefer`.

    Raises:
        LandloomError: two rasters disagree, and `prefer` does not say which of them wins.
    """
    keys = [item.raster.key for item in placed if item.raster.layer == "height"]
    for pattern in prefer:
        if not any(_matches(key, pattern) for key in keys):
            raise LandloomError(f"project.prefer: {pattern!r} matches no raster of heights; there are {_some(keys)}")
    bad = [pair for pair in compare(placed, disagree_m) if pair.disagree]
    lost, open_ = {}, []
    for pair in sorted(bad, key=lambda pair: min(_rank(key, prefer) for key in (pair.first, pair.second))):
        first, second = (_rank(key, prefer) for key in (pair.first, pair.second))
        if first == second:
            open_.append(pair)
            continue
        winner, loser = (pair.first, pair.second) if first < second else (pair.second, pair.first)
        if winner in lost:  # a raster that is left out says nothing of others
            continue
        lost[loser] = f"it disagrees with {winner} on the same ground, which project.prefer puts first: {pair}"
    open_ = [pair for pair in open_ if pair.first not in lost and pair.second not in lost]
    if open_:
        open_.sort(key=lambda pair: (-abs(pair.median), pair.first, pair.second))
        more = f", and {len(open_) - _TOLD} more pairs" if len(open_) > _TOLD else ""
        raise LandloomError(
            f"rasters on the same ground disagree by more than project.disagree_m ({disagree_m:g} m), so one of them "
            f"is wrong or no elevation: {'; '.join(map(str, open_[:_TOLD]))}{more}. Name the one that wins in "
            f"project.prefer ([{open_[0].first!r}]), leave the other out (project.drop), or raise project.disagree_m"
        )
    return lost


def compare(placed: Sequence[Placed], disagree_m: float) -> list[Pair]:
    """Every pair of rasters of heights that share ground, in the order of their keys."""
    heights = sorted((item for item in placed if item.raster.layer == "height"), key=lambda item: item.raster.key)
    shapes = [item.ground for item in heights]
    first, second = STRtree(shapes).query(shapes, predicate="intersects") if len(shapes) > 1 else ((), ())
    shared = []
    for a, b in sorted((int(a), int(b)) for a, b in zip(first, second, strict=True) if a < b):
        both = intersection(shapes[a], shapes[b])
        if both.area >= _LEAST_SHARE * min(shapes[a].area, shapes[b].area):
            shared.append((heights[a].raster, heights[b].raster, both))
    if not shared:
        return []
    points = int(np.clip(_POINTS // len(shared), *_PER_PAIR))
    found = []
    with RasterReader() as reader:
        for one, other, both in shared:
            lon, lat = _lattice(both, points)
            pair = _judge(
                one, other, _heights_at(one, lon, lat, reader), _heights_at(other, lon, lat, reader), disagree_m
            )
            found += [pair] if pair else []
    return found


def _judge(one: Raster, other: Raster, a: np.ndarray, b: np.ndarray, disagree_m: float) -> Pair | None:
    """One pair at its points; None where too few have both heights.

    Where one is 0 and the other is not above, the two show the sea and its floor: both are right.
    """
    use = np.isfinite(a) & np.isfinite(b)
    use &= ~((a == 0) & (b <= 0)) & ~((b == 0) & (a <= 0))
    a, b = a[use], b[use]
    if a.size < _PER_PAIR[0]:
        return None
    difference = a - b
    median, typical = float(np.median(difference)), float(np.median(np.abs(difference)))
    level = min(a.std(), b.std()) < 1e-6
    correlation = np.nan if level else float(np.corrcoef(a, b)[0, 1])
    relief = max(float(np.ptp(np.percentile(values, (10, 90)))) for values in (a, b))
    # Two models of one ground follow each other wherever it has relief, whatever lies between them.
    strange = relief > disagree_m / 5 and typical > disagree_m / 5 and (level or correlation < _UNLIKE)
    return Pair(one.key, other.key, median, correlation, a.size, abs(median) > disagree_m or strange)


def _lattice(shape: BaseGeometry, points: int) -> tuple[np.ndarray, np.ndarray]:
    """Longitude and latitude of about `points` points inside a shape, evenly spread over its largest part."""
    shape = max(get_parts(shape), key=lambda part: part.area)  # ground across 180° has two parts
    west, south, east, north = shape.bounds
    share = shape.area / max((east - west) * (north - south), 1e-12)
    side = int(np.ceil(np.sqrt(points / max(share, 0.1))))
    t = (np.arange(side) + 0.5) / side
    lon, lat = (axis.ravel() for axis in np.meshgrid(west + (east - west) * t, south + (north - south) * t))
    inside = contains_xy(shape, lon, lat)
    return lon[inside], lat[inside]


def _heights_at(raster: Raster, lon: np.ndarray, lat: np.ndarray, reader: RasterReader) -> np.ndarray:
    """Heights between the four pixels around each point; NaN outside the raster and beside voids."""
    x, y = (np.asarray(axis) for axis in from_lonlat(raster.crs, lon, lat))
    its = frame(raster.crs, 0.0)
    if its.geographic:
        middle = (raster.transform @ (raster.cols / 2, raster.rows / 2))[0]
        x = x - its.period * np.round((x - middle) / its.period)
    cols, rows = (axis - 0.5 for axis in ~raster.transform @ (x, y))
    out = np.full(lon.shape, np.nan)
    for k, (col, row) in enumerate(zip(cols, rows, strict=True)):
        if not (0 <= col <= raster.cols - 1 and 0 <= row <= raster.rows - 1):
            continue
        left, top = min(int(col), raster.cols - 2), min(int(row), raster.rows - 2)
        u, v = col - left, row - top
        four = reader.read(raster, Window(left, top, 2, 2))[0].astype(np.float64)
        out[k] = np.array([1 - v, v]) @ four @ np.array([1 - u, u])
    return out


def _rank(key: str, prefer: Sequence[str]) -> int:
    return next((rank for rank, pattern in enumerate(prefer) if _matches(key, pattern)), len(prefer))


def _matches(key: str, pattern: str) -> bool:
    return fnmatch(key, pattern) or fnmatch(key.rsplit("/", 1)[-1], pattern)


def _some(keys: Sequence[str]) -> str:
    return ", ".join(sorted(keys)[:3]) + (", …" if len(keys) > 3 else "")
