"""Pictures of steered samples beside the tiles that steered them."""

from __future__ import annotations

import textwrap

import numpy as np
from matplotlib.figure import Figure

from models.core.sketch import COLORS
from tasks.evaluate.heights.steering.part import Held
from tasks.evaluate.plots import mosaic
from tasks.relief.landform_classes import KINDS
from tasks.relief.shade.hillshade import shaded_relief

ACROSS = 8


def spread(held: Held) -> list[int]:
    """Indices of up to `ACROSS` tiles, of every kind in turn."""
    queues = [[index for index, one in enumerate(held.kinds) if one == kind] for kind in KINDS]
    found: list[int] = []
    while len(found) < ACROSS and any(queues):
        found += [queue.pop(0) for queue in queues if queue]
    return found[:ACROSS]


def samples_of_captions(held: Held, made: np.ndarray, gsd: float) -> Figure:
    """Held-out tiles, the samples of their captions, and the captions. A pair has one range of metres."""
    chosen = spread(held)
    figure = Figure(figsize=(2.1 * len(chosen), 6.4), layout="constrained")
    axes = figure.subplots(3, len(chosen), squeeze=False, height_ratios=[1, 1, 0.75])
    for axis in axes.ravel():
        axis.set_axis_off()
    for column, index in enumerate(chosen):
        real, sample = held.heights[index], made[index]
        low, high = float(min(real.min(), sample.min())), float(max(real.max(), sample.max()))
        for row, height in enumerate((real, sample)):
            axes[row, column].imshow(shaded_relief(height, gsd, low, high), interpolation="none")
            name = "held out" if row == 0 else "generated"
            axes[row, column].set_title(f"{name}: {np.ptp(height):,.0f} m of relief", fontsize=7)
        text = "\n".join(textwrap.wrap(held.captions[index], 38))
        axes[2, column].text(0, 1, text, va="top", fontsize=6.5, in_layout=False)
    return figure


def rows_of(held: Held, rows: dict[str, np.ndarray], gsd: float, own_range: bool = False) -> Figure:
    """Held-out tiles, and a row for each set: heights float (n, px, px), or sketches uint8 (n, px, px).

    Args:
        own_range: whether each picture has its own range of metres, and not that of the held-out tile.
    """
    chosen = spread(held)
    pictures = []
    for tiles in ({"held out": held.heights} | rows).values():
        line = []
        for index in chosen:
            if tiles.dtype == np.uint8:
                line.append(np.array(list(COLORS.values()), np.uint8)[tiles[index]])
                continue
            of = tiles[index] if own_range else held.heights[index]
            line.append(shaded_relief(tiles[index], gsd, float(of.min()), float(of.max()) + 1))
        pictures.append(line)
    return mosaic(pictures, ["held out", *rows])
