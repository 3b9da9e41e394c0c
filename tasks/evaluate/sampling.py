"""Samples of a model whose only input is noise."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from tasks.core.errors import LandloomError
from tasks.core.stage import Stage
from tasks.evaluate.params import Params

BATCH = 32  # samples between two lines of progress


def sample_all(stage: Stage[Params], model: Any) -> dict[str, np.ndarray]:
    """`evaluate.samples` samples for each number of steps, by `steps<n>`. Every number of steps uses the same noise.

    Raises:
        LandloomError: the model does not support a number of steps, or returns values that are not numbers.
    """
    return {f"steps{steps}": _sample(stage, model, steps) for steps in stage.params.steps}


def _sample(stage: Stage[Params], model: Any, steps: int) -> np.ndarray:
    out, started = [], time.monotonic()
    for start in stage.progress(range(0, stage.params.samples, BATCH), what=f"batches, {steps} steps"):
        indices = np.arange(start, min(start + BATCH, stage.params.samples))
        try:
            out.append(model.sample(indices, seed=stage.seed, steps=steps))
        except ValueError as error:
            raise LandloomError(f"evaluate.steps: {error}") from None
    stage.timing({f"ms_per_sample/steps{steps}": 1000 * (time.monotonic() - started) / stage.params.samples})
    tiles = np.concatenate(out)
    broken = int((~np.isfinite(tiles).reshape(len(tiles), -1).all(axis=1)).sum())
    if broken:
        raise LandloomError(
            f"{stage.dir / 'model'}: {broken} of {len(tiles)} samples at {steps} steps hold values that are not "
            "numbers: the training diverged; lower train.lr and train again"
        )
    return tiles
