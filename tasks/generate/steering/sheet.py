"""A sheet of steered samples: what was given at the left, and one row of samples for each text and guidance."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from tasks.generate.contact_sheet import NARROWEST

COLUMNS = 12  # most samples in a line
WRAP = 9  # characters of a title an inch
Named = Sequence[tuple[str, np.ndarray]]
"""(name, uint8 (h, w, 3)) of each picture."""


def sheet(rows: Sequence[tuple[str, Named]], given: Named) -> Figure:
    """A figure with a row for each (title, pictures of samples). A single row is broken into a square.

    Args:
        given: the pictures that were given; the same for all rows.
    """
    most = len(given) + max(len(pictures) for _, pictures in rows)
    across = min(COLUMNS, most if len(rows) > 1 else math.ceil(math.sqrt(most)))
    down = 1 if len(rows) > 1 else math.ceil(most / across)
    wide = max(2.3 * across, NARROWEST)
    titles = ["\n".join(textwrap.wrap(title, int(WRAP * wide))) for title, _ in rows]
    heights = [2.5 * down + 0.2 * (title.count("\n") + 1) for title in titles]
    figure = Figure(figsize=(wide, sum(heights)), layout="constrained")
    parts = np.atleast_1d(figure.subfigures(len(rows), 1, height_ratios=heights))
    for part, title, (_, pictures) in zip(parts, titles, rows, strict=True):
        part.suptitle(title, fontsize=9)
        axes = part.subplots(down, across, squeeze=False).ravel()
        for axis in axes:
            axis.set_axis_off()
        for axis, (name, picture) in zip(axes, [*given, *pictures], strict=False):
            axis.imshow(picture, interpolation="none")
            axis.set_title(name, fontsize=8)
    return figure
