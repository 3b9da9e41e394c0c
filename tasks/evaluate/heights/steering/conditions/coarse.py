"""Upscaling: are the means of the coarse pixels kept, and are the details as strong as those of real ground?"""

from __future__ import annotations

import numpy as np

from models.core.conditions import block_means
from tasks.evaluate.heights.steering.part import Answer, Part, Task, summarise
from tasks.evaluate.heights.steering.plots import rows_of

METHOD = (
    "The block means of held-out tiles steer the samples. The error is the largest difference of a sample's block mean "
    "to the given one, as a share of the tile's relief. The strength of details is the standard deviation of the "
    "heights less their block means, divided by that of the held-out tile."
)


def measure(task: Task) -> Part:
    """The measurement."""
    held, side = task.held, task.coarse_px
    given = block_means(held.heights, side)
    made = task.sample({"coarse": given})
    relief = np.maximum(np.ptp(held.heights.reshape(len(given), -1).astype(np.float64), axis=1), 1.0)
    off = np.abs(block_means(made, side) - given).max(axis=(1, 2)) / relief
    own, real = _details(made, side), _details(held.heights, side)
    strength = np.divide(own, real, out=np.full(len(own), np.nan), where=real > 0)
    answers = {
        "means": Answer("largest error of a block mean, of the relief", off, None, np.zeros(len(off)), "lower", False),
        "details": Answer(
            "strength of details, of that of the held-out tile", strength, None, np.ones(len(own)), share=False
        ),
    }
    metrics, table, details = summarise("coarse", answers, held.kinds)
    shown = given.repeat(side, axis=1).repeat(side, axis=2)
    return Part(
        "Does it keep coarse heights?",
        [METHOD],
        metrics,
        table,
        details,
        f"Block means are kept within {100 * details['means']['generated']['all']:.2g} % of the relief, and details "
        f"have {details['details']['generated']['all']:.2f} times the strength of real ones.",
        (
            "Held-out tiles, their block means, and samples of the block means.",
            rows_of(held, {"coarse": shown, "generated": made}, task.gsd),
        ),
    )


def _details(heights: np.ndarray, side: int) -> np.ndarray:
    rest = heights - block_means(heights, side).repeat(side, axis=1).repeat(side, axis=2)
    return np.sqrt(np.square(rest).mean(axis=(1, 2)))
