"""The plot of distances: its labels do not overlap, whatever the range of the distances."""

from __future__ import annotations

from itertools import pairwise

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from tasks.evaluate.account import Measure, TileSet
from tasks.evaluate.plots import distances


@pytest.mark.parametrize("highest", [0.3, 2.7, 40.0, 9000.0])
def test_labels_of_distances_do_not_overlap(highest):
    values = {"floor": 0.19, "steps1": (0.19 * highest) ** 0.5, "control": highest}
    kinds = {"floor": "floor", "steps1": "generated", "control": "control"}
    sets = {name: {"swd": {"mean": value, "low": 0.8 * value, "high": 1.2 * value}} for name, value in values.items()}
    named = {name: TileSet(name, name, name, kind) for name, kind in kinds.items()}
    figure = distances(sets, 120, named, Measure("swd", "sliced Wasserstein", "lower"))
    FigureCanvasAgg(figure).draw()
    axis = figure.axes[0]
    low, high = axis.get_xlim()
    ticks = zip(axis.xaxis.get_majorticklocs(), axis.xaxis.get_majorticklabels(), strict=True)
    labels = [label.get_window_extent() for place, label in ticks if low <= place <= high]
    assert len(labels) >= 2 and not any(one.overlaps(other) for one, other in pairwise(labels))
    assert not any(label.get_text() for label in axis.xaxis.get_minorticklabels())
