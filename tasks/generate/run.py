"""Generate terrains from a seed: the same model, seed and number of steps give the same bytes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from models.artifact import Generator, load_model
from tasks.errors import LandloomError
from tasks.files import atomic_dir
from tasks.generate.overview import overview
from tasks.generate.params import Params
from tasks.generate.sample import write_sample
from tasks.hashing import dvc_md5
from tasks.stage import Stage

BATCH = 64  # terrains held in memory at a time; a sample is the same whatever its company


def run(stage: Stage[Params]) -> None:
    """Sample, write every terrain in all formats, and draw them all on one sheet."""
    folder = stage.dir / "model"
    try:
        generator = load_model(folder)
    except ValueError as error:
        raise LandloomError(f"{error}; run `dvc repro` to train it again") from None
    if generator.gsd is None:
        raise LandloomError(
            f"{folder}: the model knows no GSD, and heights without a scale on the ground are no terrain"
        )
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


def _heights(generator: Generator, params: Params) -> Iterator[np.ndarray]:
    """Yield float32 (px, px) metres, terrain by terrain."""
    for start in range(0, params.count, BATCH):
        indices = range(start, min(start + BATCH, params.count))
        try:
            yield from generator.sample(indices, seed=params.seed, steps=params.steps)
        except ValueError as error:
            raise LandloomError(f"generate.steps: {params.steps}: {error}") from None
