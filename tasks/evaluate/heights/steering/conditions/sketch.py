"""Sketches: are ridges and valleys where the lines of a sketch are?

The sketches are the lines of held-out tiles (`models.core.sketch`), and the same rule finds the lines of the samples.
Their likeness is the correlation of two pictures: +1 on ridges, -1 on valleys, 0 elsewhere, blurred by a pixel or two,
so that a line beside the asked one counts in part.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from models.core.sketch import RIDGE, VALLEY, lines
from tasks.evaluate.heights.steering.part import Answer, Part, Task, others, summarise
from tasks.evaluate.heights.steering.plots import rows_of

BLUR = 1.5  # pixels
METHOD = (
    "The lines of ridges and valleys of held-out tiles steer the samples, and the same rule finds the lines of the "
    "samples. The number is the correlation of the two, each blurred by 1.5 pixels. In the column of another tile's, "
    "each sample is compared with the lines of another tile."
)


def measure(task: Task) -> Part | None:
    """The measurement; None if no held-out tile has a line."""
    held = task.held
    drawn = lines(held.heights)
    if not drawn.any():
        return None
    made = task.sample({"sketch": drawn})
    found = lines(made)
    other, differs = others([sketch.tobytes() for sketch in drawn], task.rng("other sketches"))
    answers = {
        "lines": Answer(
            "correlation of ridges and valleys with the sketch",
            likeness(found, drawn),
            np.where(differs, likeness(found, drawn[other]), np.nan),
            likeness(drawn, drawn),
            share=False,
        )
    }
    metrics, table, details = summarise("sketch", answers, held.kinds)
    own, chance = (details["lines"][which]["all"] for which in ("generated", "control"))
    by_chance = "" if chance is None else f" (with those of another sketch by {chance:.2f})"
    return Part(
        "Are ridges and valleys where the sketch has them?",
        [METHOD],
        metrics,
        table,
        details,
        f"Lines of a sketch correlate with those of its sample by {own:.2f}{by_chance}.",
        (
            "Held-out tiles, the sketches of their ridges (red) and valleys (blue), and samples of the sketches.",
            rows_of(held, {"sketch": drawn, "generated": made}, task.gsd, own_range=True),
        ),
    )


def likeness(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Correlation of two sketches (n, h, w), for each of n; NaN where one has no line."""
    pictures = []
    for sketch in (one, other):
        signed = (sketch == RIDGE).astype(np.float64) - (sketch == VALLEY)
        blurred = gaussian_filter(signed, (0, BLUR, BLUR), mode="constant")
        pictures.append(blurred.reshape(len(sketch), -1))
    top = (pictures[0] * pictures[1]).sum(axis=1)
    size = np.sqrt(np.square(pictures[0]).sum(axis=1) * np.square(pictures[1]).sum(axis=1))
    return np.divide(top, size, out=np.full(len(top), np.nan), where=size > 0)
