"""A sheet of steered samples: what was given at the left, and one row of samples for each text and guidance."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from tasks.generate.contact_sheet import NARROWEST

COLUMNS = 12  # most samples in a line
WRAP = 9  # characters of a title an inch
OUTLINE = (("white", 1.6), ("black", 0.7))
"""Colours and points of an outline: black with a white rim, which is seen on every ground."""
Named = Sequence[tuple[str, np.ndarray]]
"""(name, uint8 (h, w, 3)) of each picture."""


def sheet(rows: Sequence[tuple[str, Named]], given: Named, hole: np.ndarray | None = None) -> Figure:
    """A figure with a row for each (title, pictures of samples). A single row is broken into a square.

    Args:
        given: the pictures that were given; the same for all rows.
        hole: where all samples were made between given heights, bool (h, w); every picture shows its outline.
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
            if hole is not None:
                _outline(axis, hole, picture.shape[0] / hole.shape[0])
    return figure


def edges(hole: np.ndarray) -> np.ndarray:
    """The sides of pixels where a hole, bool (h, w), meets its surroundings, float64 (n, 2, 2): n × two ends × (x, y).

    In pixels from the corner of the raster. The border of the raster is no side of the hole.
    """
    rows, cols = np.nonzero(hole[1:] != hole[:-1])
    level = [np.stack([cols + end, rows + 1], axis=1) for end in (0, 1)]
    rows, cols = np.nonzero(hole[:, 1:] != hole[:, :-1])
    upright = [np.stack([cols + 1, rows + end], axis=1) for end in (0, 1)]
    return np.concatenate([np.stack(level, axis=1), np.stack(upright, axis=1)]).astype(float)


def _outline(axis: Axes, hole: np.ndarray, factor: float) -> None:
    """Draw the outline of a hole on a picture that has `factor` pixels for one of the hole's."""
    lines = edges(hole) * factor - 0.5  # the centre of a picture's first pixel is at 0
    for color, width in OUTLINE:
        axis.add_collection(LineCollection(lines, colors=color, linewidths=width, capstyle="projecting"), autolim=False)
