"""What the samples of a terrain model gain by words and by a second evaluation, and the best noise level for it.

The distances are those of `evaluate`, to held-out tiles: `LANDLOOM_DATA=FOLDER`, a dataset with shards and a model.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from models.core.artifact import load_model
from tasks.core.settings import ROOT
from tasks.evaluate.distances import Scale, directions, neighbourhoods, sliced_wasserstein, wasserstein
from tasks.formats.shards.shardset import ShardSet
from tasks.relief.descriptors import describe
from tests.benchmarks.shards_of import whole_tiles

DATA = Path(os.environ.get("LANDLOOM_DATA", ROOT / "data/terrain"))
MODEL = Path(os.environ.get("LANDLOOM_MODEL", DATA / "model"))
SAMPLES, TRAIN = 512, 2048
PROJECTIONS = 256
LEVELS = (0.2, 0.4, 0.8, 1.6)
WORST = 4
TOY = {"SAMPLES": 16, "TRAIN": 32, "LEVELS": (0.4,), "PROJECTIONS": 4}

Row = tuple[str, str, str]


class Yardstick:
    """Distances of sets of tiles to held-out tiles, in the scale of the training tiles."""

    def __init__(self, shards: ShardSet):
        self._gsd = shards.card["gsd"]
        self.train = whole_tiles(shards, "train", TRAIN)
        described, self._names = describe(self.train[0], self._gsd)
        self._scale = Scale.fit(described)
        self._real = self._scale.apply(describe(whole_tiles(shards, "val", SAMPLES)[0], self._gsd)[0])
        self._theta = directions(self._real.shape[1], PROJECTIONS)

    def row(self, title: str, heights: np.ndarray) -> Row:
        """A row of the table."""
        found = self._scale.apply(describe(heights, self._gsd)[0])
        near, apart = neighbourhoods(self._real, found), wasserstein(found, self._real)
        shares = ", ".join(f"{name} {near[name]:.2f}" for name in ("precision", "recall", "coverage"))
        worst = ", ".join(f"{self._names[k]} {apart[k]:.2f}" for k in np.argsort(-apart, kind="stable")[:WORST])
        return title, f"swd {sliced_wasserstein(found, self._real, self._theta):.3f}, {shares} (furthest: {worst})", ""


def run() -> list[Row]:
    """Rows of the table."""
    if not (DATA / "shards").is_dir() or not (MODEL / "config.json").is_file():
        return [("samples of a terrain model", f"not measured: {DATA} and {MODEL} are not both there", "")]
    model, yardstick = load_model(MODEL, "cpu"), Yardstick(ShardSet(DATA / "shards"))
    tiles, captions = yardstick.train
    rows = [yardstick.row(f"{SAMPLES} real: training tiles", tiles[:SAMPLES])]
    words, own = {"text": captions[:SAMPLES]}, model.encoding
    for steps in model.evaluations:
        count = f"{steps} evaluation{'s' * (steps > 1)}"
        if "text" in model.conditions:
            model.encoding = replace(own, captions=())
            rows.append(yardstick.row(f"{SAMPLES} samples, {count}, no words", _samples(model, steps)))
            rows.append(yardstick.row(f"{SAMPLES} samples, {count}, captions", _samples(model, steps, words)))
            model.encoding = own
        rows.append(yardstick.row(f"{SAMPLES} samples, {count}, nothing asked", _samples(model, steps)))
    config = model.method.config
    for level in LEVELS:
        model.method.config = config.model_copy(update={"mid_sigma": level})
        rows.append(yardstick.row(f"{SAMPLES} samples, the second evaluation from {level:g}", _samples(model, 2)))
    return rows


def _samples(model: Any, steps: int, conditions: dict[str, np.ndarray] | None = None) -> np.ndarray:
    return model.sample(range(SAMPLES), 0, steps, conditions)
