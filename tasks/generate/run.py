"""Generate terrains from a seed: the same model, seed and number of steps give the same bytes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from models.artifact import load_model
from tasks.errors import LandloomError
from tasks.files import atomic_dir
from tasks.generate.overview import overview
from tasks.generate.params import Params
from tasks.generate.sample import write_sample
from tasks.hashing import dvc_md5
from tasks.stage import Stage

BATCH = 32  # fixed: sums over other batch sizes may round differently


def run(stage: Stage[Params]) -> None:
    """Sample, write every terrain in all formats, and draw them all on one sheet."""
    folder = stage.dir / "model"
    generator = load_model(folder)
    origin = {"dataset": stage.dataset, "model_md5": dvc_md5(folder), "seed": stage.params.seed}
    shown, ranges = [], []
    with atomic_dir(stage.dir / "samples") as samples:
        heights = stage.progress(_heights(generator, stage.params), stage.params.count, "terrains")
        for index, height in enumerate(heights):
            name = f"{stage.dataset}_{index:03d}"
            facts = {**origin, "index": index, "steps": stage.params.steps}
            sidecar = write_sample(samples, name, height, float(generator.gsd), facts)
            ranges.append(sidecar["height"]["high_m"] - sidecar["height"]["low_m"])
            if len(shown) < 64:
                shown.append((name, height))
    stage.picture("overview", overview(shown, float(generator.gsd), stage.params.count))
    stage.metrics({"terrains": len(ranges), "median_relief_m": float(np.median(ranges))})
    stage.say(f"{len(ranges)} terrains in {stage.dir.relative_to(stage.root)}/samples")


def _heights(generator, params: Params) -> Iterator[np.ndarray]:
    """Yield float32 (px, px) metres, terrain by terrain."""
    for start in range(0, params.count, BATCH):
        indices = np.arange(start, min(start + BATCH, params.count))
        heights = np.asarray(generator.sample(indices, seed=params.seed, steps=params.steps), np.float32)
        if heights.shape != (len(indices), generator.px, generator.px):
            raise LandloomError(
                f"the model gave terrains of shape {heights.shape}, not of {generator.px} pixels a side"
            )
        yield from heights
