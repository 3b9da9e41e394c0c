"""Rounded heights: how far terrain moves away from itself if its heights are rounded to a step.

Rounding makes pits, steps and level ground in plains. A model cannot learn them, and the descriptors see them, so a
step that is too large hides how good a model is. Run it on unrounded shards of real terrain: `LANDLOOM_DATA=FOLDER`.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from tasks.core.settings import ROOT
from tasks.evaluate.distances import Scale, directions, sliced_wasserstein, wasserstein
from tasks.formats.shards.shardset import ShardSet
from tasks.relief.descriptors import describe
from tests.benchmarks.shards_of import whole_tiles

DATA = Path(os.environ.get("LANDLOOM_DATA", ROOT / "data/terrain"))
STEPS = (0.1, 0.5, 1.0)
MOST = 1024
PROJECTIONS = 256
WORST = 3
TOY = {"STEPS": (1.0,), "PROJECTIONS": 4}


def run() -> list[tuple[str, str, str]]:
    """Rows of the table."""
    if not (DATA / "shards").is_dir():
        return [("rounded heights", f"not measured: {DATA} has no shards", "")]
    shards = ShardSet(DATA / "shards")
    gsd = shards.card["gsd"]
    train, held_out = (whole_tiles(shards, split, MOST)[0] for split in ("train", "val"))
    described, names = describe(train, gsd)
    scale = Scale.fit(described)
    half = len(held_out) // 2
    one, other = held_out[:half], held_out[half:]
    first = scale.apply(describe(one, gsd)[0])
    theta = directions(first.shape[1], PROJECTIONS)

    def distance(tiles: np.ndarray) -> tuple[float, str]:
        moved = scale.apply(describe(tiles, gsd)[0])
        apart = wasserstein(moved, first)
        worst = np.argsort(-apart, kind="stable")[:WORST]
        return sliced_wasserstein(moved, first, theta), ", ".join(f"{names[k]} {apart[k]:.2f}" for k in worst)

    what = f"sliced Wasserstein distance of {half} held-out tiles to {half} others"
    rows = [(f"{what}, as they are", "{:.3f} ({})".format(*distance(other)), "")]
    for step in STEPS:
        rounded = np.rint(other / step) * step
        rows.append((f"{what}, rounded to {step:g} m", "{:.3f} ({})".format(*distance(rounded)), ""))
    return rows
