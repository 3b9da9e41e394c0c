"""Selection: against only decoding the same windows, and how time and memory grow with the number of scenes.

Scenes are real elevation where `shared/realdata` lies beside the checkout, else fractal; each comes in
eight turns and mirrorings, far apart, so that no tile stands twice.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
from rasterio.warp import Resampling, reproject
from rasterio.windows import Window

from tasks.core.stage import Stage
from tasks.formats.tables.scenes import read_scenes
from tasks.formats.tables.tiles import write_tiles
from tasks.select.params import Params
from tasks.select.run import cut, finish
from tasks.select.run import run as select
from tasks.select.verdict import judge
from tasks.select.windows import window_starts
from tests.benchmarks.fresh import child_output
from tests.conftest import REALDATA
from tests.select.small import GSD, add_heights, fractal, laea, stage, write_table

SIDE = 1024
CELLS = {  # south-west corners of SRTM cells in shared/realdata
    "srtm3_N46E008.tif": (46, 8), "srtm3_N49W123.tif": (49, -123), "srtm3_N49W124.tif": (49, -124),
    "N41E001.hgt.zip": (41, 1), "N42E001.hgt.zip": (42, 1), "N49E011.hgt.zip": (49, 11),
    "N50E011.hgt.zip": (50, 11), "N00E010.hgt": (0, 10), "N00E011.hgt.zip": (0, 11),
}  # fmt: skip
RULES = [{"column": "void_share", "max": 0.5}, {"column": "relief", "min": 2.0}]
ROUNDS = 3
WINDOWS = ((256, 256), (256, 128), (64, 32))  # side and stride
TINY = 1000  # scenes, against a tenth of them
TURNS = 8  # of each place
TOY = {"SIDE": 64, "ROUNDS": 1, "WINDOWS": ((32, 32),), "TINY": 20, "TURNS": 2, "CELLS": {}}


def run() -> list[tuple[str, str, str]]:
    """Ratios of processor time, of the best of three interleaved rounds each, and of peak memory."""
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(sys.stderr):  # stdout is for the table
        root = Path(folder)
        kind = _scenes(root / "data" / "terrain")
        rows = [_against_decoding(root, kind, px, stride) for px, stride in WINDOWS]
        rows.append(_memory(root))
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(sys.stderr):
        rows.append(_growth(Path(folder)))
    return rows


def _against_decoding(root: Path, kind: str, px: int, stride: int) -> tuple[str, str, str]:
    """Cutting, measuring, judging and writing the table, against reading the same windows and dropping them."""
    one = stage(root, px=px, stride=stride, rules=RULES, quota=1000, block_km=100)
    scenes = read_scenes(one.dir / "scenes.parquet")
    count = _decode(one.dir, scenes, px, stride)
    _choose(one, scenes)  # compiles
    decode, choose = _best(lambda: _decode(one.dir, scenes, px, stride), lambda: _choose(one, scenes))
    name = f"select against only decoding, {count:,} windows of {px}² every {stride} px, {kind}"
    return name, f"{choose / decode:.2f}× ({1000 * choose / count:.2f} ms a window)", "≤ 2×"


def _best(*functions: Callable[[], object]) -> list[float]:
    """Least processor seconds of each function over interleaved rounds."""
    seconds = np.empty((ROUNDS, len(functions)))
    for k in range(ROUNDS):
        for j, function in enumerate(functions):
            started = time.process_time()
            function()
            seconds[k, j] = time.process_time() - started
    return seconds.min(axis=0).tolist()


def _decode(folder: Path, scenes: gpd.GeoDataFrame, px: int, stride: int) -> int:
    """Read every window on its own, as a stage that looks at one tile at a time must; how many there are."""
    count = 0
    for scene in scenes.itertuples():
        with rasterio.open(folder / scene.height) as source:
            for row in window_starts(scene.rows, px, stride):
                for col in window_starts(scene.cols, px, stride):
                    source.read(1, window=Window(col, row, px, px))
                    count += 1
    return count


def _choose(one: Stage[Params], scenes: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """All of select but its pictures, whose cost does not grow."""
    tiles = finish(judge(cut(one, scenes), one.params, one.seed))
    write_tiles(tiles, one.dir / "tiles.parquet")
    return tiles


def _memory(root: Path) -> tuple[str, str, str]:
    """Peak memory of the whole stage over 8 scenes and over all, each in a fresh process."""
    scenes = len(read_scenes(root / "data" / "terrain" / "scenes.parquet"))
    peaks = []
    for count in (scenes // 10, scenes):
        peaks.append(int(child_output("select", str(root), str(count)).split()[-1]) / 1024)
    name = f"select, peak memory with {scenes // 10} and {scenes} scenes of {SIDE}²"
    return name, f"{peaks[0]:.0f} and {peaks[1]:.0f} MiB ({peaks[1] / peaks[0]:.2f}×)", "flat: ≤ 1.1×"


def _growth(root: Path) -> tuple[str, str, str]:
    """Time a tile of a table of 100,000 rows from 1,000 scenes, over that of 10,000 from 100."""
    few, many = (_tiny_scenes(root / str(scenes), scenes) for scenes in (TINY // 10, TINY))
    measured = cut(*few), cut(*many)
    count_few, count_many = map(len, measured)
    whole_few, whole_many, own_few, own_many = _best(
        lambda: _choose(*few),
        lambda: _choose(*many),
        lambda: finish(judge(measured[0], few[0].params, 0)),
        lambda: finish(judge(measured[1], many[0].params, 0)),
    )
    ratio = (whole_many / count_many) / (whole_few / count_few)
    own = (own_many / count_many) / (own_few / count_few)
    each = f"{1e6 * whole_many / count_many:.0f} µs and {1e6 * own_many / count_many:.0f} µs a tile"
    return (
        f"select, time a tile with {count_many:,} rows and {TINY:,} scenes over {count_few:,} rows and {TINY // 10}",
        f"{ratio:.2f}×, verdicts alone {own:.2f}× ({each})",
        "linear: ≤ 1.2×",
    )


def _tiny_scenes(root: Path, count: int) -> tuple[Stage[Params], gpd.GeoDataFrame]:
    """A stage, and so many scenes of 100 tiles each, spread over the globe."""
    bases = [fractal((176, 176), 50 * 1.3**k, k) for k in range(12)]
    folder, rows = root / "data" / "terrain", []
    for k in range(count):
        heights = np.ascontiguousarray(_turned(bases[k % 12], k % 8)) + np.float32(37 * k)
        rows.append(add_heights(folder, f"s{k:04}", heights, *_spot(k, count)))
    write_table(folder, rows)
    return stage(root, quota=10 * count, block_km=8), read_scenes(folder / "scenes.parquet")


def _scenes(folder: Path) -> str:
    """Write 80 scenes, ten places in eight turns each; what they are made of."""
    real = bool(CELLS) and REALDATA.is_dir()
    bases = [_cell(name, *corner) for name, corner in CELLS.items()] if real else []
    bases += [fractal((SIDE, SIDE), 40 * 2**k, k) for k in range(10 - len(bases))]
    rows = []
    for k, base in enumerate(bases):
        for turn in range(TURNS):
            number = TURNS * k + turn
            heights = np.ascontiguousarray(_turned(base, turn))
            rows.append(add_heights(folder, f"s{turn}{k}", heights, *_spot(number, TURNS * len(bases))))
    write_table(folder, rows)
    return "real elevation" if real else "fractal elevation"


def _cell(name: str, south: int, west: int) -> np.ndarray:
    """The middle of an SRTM cell on a local equal-area grid, NaN for void."""
    path = str(REALDATA / "dem" / name)
    if name.endswith(".zip"):
        with zipfile.ZipFile(path) as archive:
            path = f"/vsizip/{path}/{next(entry for entry in archive.namelist() if entry.endswith('.hgt'))}"
    heights = np.full((SIDE, SIDE), np.nan, np.float32)
    grid = rasterio.Affine(GSD, 0, -GSD * SIDE / 2, 0, -GSD, GSD * SIDE / 2)
    with rasterio.open(path) as source:
        reproject(
            rasterio.band(source, 1), heights, dst_transform=grid, dst_crs=laea(south + 0.5, west + 0.5),
            resampling=Resampling.cubic, dst_nodata=np.nan, init_dest_nodata=True,
        )  # fmt: skip
    return heights


def _turned(array: np.ndarray, turn: int) -> np.ndarray:
    """One of the eight turns and mirrorings."""
    return np.rot90(array if turn < 4 else array.T, turn)


def _spot(number: int, count: int) -> tuple[float, float]:
    """Places spread evenly over the globe (a Fibonacci lattice)."""
    lat = np.degrees(np.arcsin(1 - (2 * number + 1) / count))
    return float(lat), float((number * 137.50776405) % 360 - 180)


def child(root: str, count: str) -> None:
    """Select among the first scenes, and print this process's peak memory in KiB."""
    whole = read_scenes(Path(root) / "data" / "terrain" / "scenes.parquet")
    few = stage(Path(root), px=WINDOWS[-1][0], stride=WINDOWS[-1][1], rules=RULES, quota=1000, block_km=100)
    (few.dir / "scenes.parquet").rename(few.dir / "all.parquet")
    write_table(few.dir, whole.iloc[: int(count)].to_dict("records"))
    select(few)
    (few.dir / "all.parquet").replace(few.dir / "scenes.parquet")
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
