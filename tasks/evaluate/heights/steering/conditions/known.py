"""Inpainting: are known heights kept to the bit, and is the seam no steeper than the ground inside?"""

from __future__ import annotations

import numpy as np

from tasks.evaluate.heights.steering.part import Answer, Part, Task, summarise
from tasks.evaluate.heights.steering.plots import rows_of

SIDES = (0.3, 0.7)  # sides of the rectangle that is made, as shares of the tile's side
METHOD = (
    "A rectangle of each held-out tile is hidden and made by the model. The gradient across the seam is the mean "
    "difference of a known and a made pixel side by side, divided by the mean difference of neighbours inside the "
    "rectangle; for real tiles, at the same places of the tile itself."
)


def measure(task: Task) -> Part:
    """The measurement."""
    held = task.held
    holes = rectangles(len(held.heights), held.heights.shape[-1], task.rng("holes"))
    given = np.where(holes, np.float32(np.nan), held.heights)
    made = task.sample({"known": given})
    kept = (made.view(np.uint32) == held.heights.view(np.uint32)) | holes
    same = kept.all(axis=(1, 2)).astype(np.float64)
    seam, real = seam_gradient(made, holes), seam_gradient(held.heights, holes)
    answers = {
        "unchanged": Answer("known heights are unchanged to the bit", same, None, np.ones(len(same))),
        "seam": Answer("gradient across the seam, of that inside", seam, None, real, better="lower", share=False),
        "error": Answer(
            "difference to the hidden heights, of the relief",
            _error(made, held.heights, holes),
            None,
            None,
            "lower",
            share=False,
        ),
    }
    metrics, table, details = summarise("known", answers, held.kinds)
    return Part(
        "Does it fill holes?",
        [METHOD],
        metrics,
        table,
        details,
        f"Known heights stay the same to the bit in {100 * details['unchanged']['generated']['all']:.0f} % of the "
        f"tiles, and seams have {details['seam']['generated']['all']:.2f} times the gradient inside "
        f"(real tiles {details['seam']['real']['all']:.2f}).",
        (
            "Held-out tiles, the same with a rectangle hidden, and filled by the model.",
            rows_of(held, {"known": given, "filled": made}, task.gsd),
        ),
    )


def rectangles(count: int, px: int, rng: np.random.Generator) -> np.ndarray:
    """A rectangle in each of `count` tiles, bool (count, px, px), with a known margin on all sides."""
    holes = np.zeros((count, px, px), bool)
    for hole in holes:
        rows, cols = (int(side) for side in rng.uniform(*SIDES, 2) * px)
        row, col = rng.integers(1, px - rows), rng.integers(1, px - cols)
        hole[row : row + rows, col : col + cols] = True
    return holes


def seam_gradient(heights: np.ndarray, holes: np.ndarray) -> np.ndarray:
    """Mean difference of neighbours across the edge of the hole over that of neighbours inside, for each tile.

    NaN where the ground inside is level.
    """
    sums, counts = np.zeros((2, len(heights))), np.zeros((2, len(heights)))  # across the edge, inside
    for axis in (1, 2):
        step = np.abs(np.diff(heights.astype(np.float64), axis=axis))
        one, other = (holes.take(np.arange(holes.shape[axis] - 1) + shift, axis) for shift in (0, 1))
        for place, pairs in enumerate((one != other, one & other)):
            sums[place] += (step * pairs).sum(axis=(1, 2))
            counts[place] += pairs.sum(axis=(1, 2))
    across, inside = sums / np.maximum(counts, 1)
    return np.divide(across, inside, out=np.full(len(heights), np.nan), where=inside > 0)


def _error(made: np.ndarray, real: np.ndarray, holes: np.ndarray) -> np.ndarray:
    """Root mean square difference in the hole, as a share of the tile's relief."""
    found = []
    for one, own, hole in zip(made, real, holes, strict=True):
        off = np.square(one[hole].astype(np.float64) - own[hole])
        found.append(np.sqrt(off.mean()) / max(float(np.ptp(own)), 1.0))
    return np.array(found)
