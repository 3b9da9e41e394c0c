"""Selection of pictures: all of select, marks and near-duplicates too, against only decoding the same windows.

Pictures are satellite scenes where `shared/realdata` lies beside the checkout, else noise with shapes. They come in
turns, mirrored and not, so that near-duplicates are many; scenes of one place count as one source.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path

import cv2
import geopandas as gpd
import numpy as np
from affine import Affine

from tasks.formats.tables.scenes import SceneReader, read_scenes, write_layer
from tasks.formats.tables.tiles import window
from tests.benchmarks import bench_select
from tests.benchmarks.real_pictures import square, synthetic
from tests.conftest import REALDATA
from tests.select.small import add_photograph, scene_row, stage, write_table

PX, SIDE, SCENES, SHEETS = 256, 2048, 157, 1000  # of tiles, of scenes; scenes with a place, and photographs of one tile
FOLDER = "imagery/earth_as_art_DERIVED"
TOY = {"PX": 64, "SIDE": 128, "SCENES": 4, "SHEETS": 6, "FOLDER": "none"}
RULES = [
    {"column": "rgb_std", "min": 6},
    {"any": [{"column": "rgb_std", "min": 20}, {"column": "color_mean_green", "min": 42}]},
]


def run() -> list[tuple[str, str, str]]:
    """Ratios of processor time, of the best of three interleaved rounds."""
    rows = []
    for name, write in (("of scenes with a place", _imagery), ("each a photograph", _photographs)):
        with tempfile.TemporaryDirectory() as folder, redirect_stdout(sys.stderr):
            root = Path(folder)
            kind = write(root / "data" / "terrain")
            rows.append(_against_decoding(root, f"{kind}, {name}"))
    return rows


def _against_decoding(root: Path, kind: str) -> tuple[str, str, str]:
    one = stage(root, px=PX, stride=PX, rules=RULES, quota=1000, block_km=100)
    scenes = read_scenes(one.dir / "scenes.parquet")
    tiles = bench_select._choose(one, scenes)  # compiles
    decode, choose = bench_select._best(
        lambda: _decode(one.dir, scenes, tiles), lambda: bench_select._choose(one, scenes)
    )
    name = f"select of pictures against only decoding, {len(tiles):,} windows of {PX}², {kind}"
    return name, f"{choose / decode:.2f}× ({1000 * choose / len(tiles):.2f} ms a window)", "≤ 2×"


def _decode(folder: Path, scenes: gpd.GeoDataFrame, tiles: gpd.GeoDataFrame) -> None:
    """Read every window on its own."""
    with SceneReader(folder, scenes) as reader:
        for tile in tiles.itertuples():
            reader.color(tile.scene, window(tile))


def _bases(side: int) -> tuple[str, list[np.ndarray]]:
    """What the pictures are, and the pictures, RGB uint8 (n, n, 3)."""
    paths = sorted((REALDATA / FOLDER).glob("*")) if (REALDATA / FOLDER).is_dir() else []
    if paths:
        return "satellite pictures", [square(path) for path in paths]
    return "made pictures", [synthetic(k, side) for k in range(8)]


def _pictures(bases: list[np.ndarray], count: int, side: int) -> Iterator[np.ndarray]:
    """`count` pictures with grain of their own, RGB and mask, uint8 (4, side, side)."""
    for k in range(count):
        base, rng = bases[k % len(bases)], np.random.default_rng(k)
        if side < base.shape[0]:
            y, x = rng.integers(0, base.shape[0] - side + 1, 2)
            base = base[y : y + side, x : x + side]
        elif side > base.shape[0]:
            base = cv2.resize(base, (side, side), interpolation=cv2.INTER_CUBIC)
        grain = rng.integers(-4, 5, base.shape, np.int16)
        turned = np.clip(np.rot90(base, k // len(bases)).astype(np.int16) + grain, 0, 255).astype(np.uint8)
        yield np.concatenate([np.moveaxis(turned, -1, 0), np.full((1, side, side), 255, np.uint8)])


def _imagery(folder: Path) -> str:
    rows = []
    kind, bases = _bases(SIDE)
    for k, color in enumerate(_pictures(bases, SCENES, SIDE)):
        row = scene_row(f"s{k:04}", color.shape[1:], *bench_select._spot(k, SCENES), gsd=10.0)
        row |= {"height": None, "color": f"scenes/s{k:04}.color.tif"}
        write_layer(folder / row["color"], color, row["crs"], Affine(*row["transform"]))
        rows.append(row)
    write_table(folder, rows)
    return kind


def _photographs(folder: Path) -> str:
    kind, bases = _bases(PX)
    pictures = enumerate(_pictures(bases, SHEETS, PX))
    write_table(folder, [add_photograph(folder, f"p{k:05}", color) for k, color in pictures])
    return kind
