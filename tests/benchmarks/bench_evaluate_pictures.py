"""Evaluation of pictures: how far each known-bad control lies from real pictures, by the headline's distance.

Photographs are those of `shared/realdata`, one square of each; aerial tiles are cut from its aerial pictures. Other
photographs stand in for a perfect model. Made pictures take their place where the folder is missing.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import rasterio

from tasks.evaluate.compare import compare, measures_of
from tasks.evaluate.image.measure import PICTURES
from tasks.evaluate.image.networks import network
from tasks.evaluate.params import Params
from tests.benchmarks.real_pictures import square, synthetic
from tests.conftest import REALDATA

PX, TILES, DRAWS = 64, 128, 20
FOLDERS = {"photographs": "photos/gutenberg_DERIVED", "aerial tiles": "imagery/aerial_DERIVED"}
NETWORKS = ("efficientnet_lite0", "random")
TOY = {"PX": 32, "TILES": 18, "DRAWS": 2, "FOLDERS": {"photographs": "none"}, "NETWORKS": ("random",)}


def run() -> list[tuple[str, str, str]]:
    """Ratios to the distance of training pictures, and the processor time of all comparisons."""
    rows = []
    for kind, folder in FOLDERS.items():
        kind = kind if (REALDATA / folder).is_dir() else "made pictures"
        train, held_out, model = np.split(_tiles(folder), 3)
        for name in NETWORKS:
            space = network(SimpleNamespace(params=Params(network=name), say=print))
            medium, started = replace(PICTURES, space=space), time.process_time()
            options = {"projections": 128, "bootstrap": DRAWS, "seed": 20}
            numbers = compare(train, held_out, {"model": model}, medium, **options).numbers
            seconds = time.process_time() - started
            named = [space.measures[0], next(each for each in measures_of(medium) if each.name == "swd")]
            for measure in named:
                told = f"{measure.title} distance of {TILES} {kind}, over that of training pictures"
                rows.append((told, _ratios(numbers, measure.name), "each control above 1, the model about 1"))
            rows.append((f"comparison of {TILES} {kind} with {space.measures[0].title}", f"{seconds:.1f} s", "≤ 25 s"))
    return rows


def _ratios(numbers: dict, measure: str) -> str:
    sets = {name: values[measure]["mean"] for name, values in numbers["sets"].items()}
    floor, seen = sets.pop("floor_train"), numbers["worse_than_floor"][measure]
    order = sorted(sets, key=lambda name: (sets[name], name))
    words = (
        f"{name.removeprefix('control_')} {sets[name] / floor:.2f}{'' if seen.get(name, True) else ' (not told)'}"
        for name in order
    )
    return ", ".join(words)


def _tiles(folder: str) -> np.ndarray:
    """3 × `TILES` different pictures, uint8 (n, PX, PX, 3), in random order."""
    rng, place = np.random.default_rng(5), REALDATA / folder
    paths = sorted(path for path in place.glob("*") if path.suffix in (".jpg", ".tif")) if place.is_dir() else []
    found: list[np.ndarray] = []
    for path in paths:
        if path.suffix == ".jpg":
            color = square(path)
            for at in (0, color.shape[0] // 4):
                part = color[at : at + 3 * color.shape[0] // 4, at : at + 3 * color.shape[0] // 4]
                found.append(cv2.resize(part, (PX, PX), interpolation=cv2.INTER_AREA))
        else:
            found += _cut(path)
    while len(found) < 3 * TILES:
        found.append(synthetic(len(found), PX))
    return np.stack(found)[rng.permutation(len(found))[: 3 * TILES]]


def _cut(path: Path) -> list[np.ndarray]:
    with rasterio.open(path) as source:
        if source.count < 3 or source.dtypes[0] != "uint8":
            return []
        color = np.moveaxis(source.read([1, 2, 3]), 0, -1)
    rows, columns = (range(0, side - PX + 1, PX) for side in color.shape[:2])
    tiles = [color[y : y + PX, x : x + PX] for y in rows for x in columns]
    return [tile for tile in tiles if (tile.max(axis=-1) == 0).mean() < 0.01]
