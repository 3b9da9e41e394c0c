"""Draining of terrain: the share of pixels that change, and how time grows with size.

The tiles are squares of the built-in planet, and of the real elevation in `shared/realdata` where it is there.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import rasterio

from tasks.acquire.sources.sample.planet import planet_height
from tasks.core.settings import ROOT
from tasks.relief.carve import drained
from tasks.relief.sea import flat_sea
from tests.select.small import fractal

REAL = ROOT.parent / "shared" / "realdata" / "dem"
SIDE = 128
PLACES = 40
SIDES = (256, 2048)
REPEATS = 3
TOY = {"PLACES": 2, "SIDES": (32, 64), "REPEATS": 1, "REAL": Path("nowhere")}


def run() -> list[tuple[str, str, str]]:
    """Rows of the table."""
    rows = [_changed("the built-in planet, 90 m", _planet())]
    if real := _real():
        rows.append(_changed("real elevation", real))
    small, large = (_seconds_a_pixel(side) for side in SIDES)
    what = f"time a pixel, {SIDES[1]}² over {SIDES[0]}²"
    return [*rows, (what, f"{large / small:.2f}×; {1e6 * large:.2f} µs", "about 1 (linear)")]


def _changed(what: str, tiles: list[np.ndarray]) -> tuple[str, str, str]:
    made = [drained(tile, flat_sea(tile[None])[0]) for tile in tiles]
    left = sum(drained(each.height, flat_sea(tile[None])[0]).pools for each, tile in zip(made, tiles, strict=True))
    shares = [100 * each.changed_share for each in made]
    name = f"pixels that draining changes, {len(tiles)} tiles of {SIDE}² of {what}"
    return (
        name,
        f"median {np.median(shares):.2f} %, 90 % below {np.quantile(shares, 0.9):.2f} %; {left} pools left",
        "≤ 3 %, 0",
    )


def _planet() -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    step = 90 / 111_000
    tiles = []
    while len(tiles) < PLACES:
        lat, lon = rng.uniform(-60, 60), rng.uniform(-180, 180)
        lats = lat - step * np.arange(SIDE)[:, None] + np.zeros((SIDE, SIDE))
        lons = lon + step * np.arange(SIDE)[None] / np.cos(np.radians(lat)) + np.zeros((SIDE, SIDE))
        tile = np.maximum(planet_height(lats, lons, 20), 0).astype(np.float32)
        if tile.max() > 50 and (tile == 0).mean() < 0.5:
            tiles.append(tile)
    return tiles


def _real() -> list[np.ndarray]:
    """Squares from the middle of each raster that has no void there."""
    tiles = []
    for path in sorted(REAL.rglob("*.hgt")) + sorted(REAL.rglob("*.tif")):
        with rasterio.open(path) as source:
            row, col = (source.height - SIDE) // 2, (source.width - SIDE) // 2
            if min(row, col) < 0 or source.count != 1:
                continue
            window = rasterio.windows.Window(col, row, SIDE, SIDE)
            tile = source.read(1, window=window, masked=True)
        if tile.mask.any() or not np.isfinite(tile).all() or not 5 < tile.max() - tile.min() < 9000:
            continue
        tiles.append(np.asarray(tile, np.float32))
    return tiles


def _seconds_a_pixel(side: int) -> float:
    """The least of several runs."""
    height = fractal((side, side), 300, 7, 2.2).astype(np.float32)
    drained(height[:32, :32])  # compiles
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        drained(height)
        times.append(time.process_time() - start)
    return min(times) / side**2
