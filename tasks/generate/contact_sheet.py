"""Previews of samples side by side, for every product."""

from __future__ import annotations

import math

from matplotlib.figure import Figure

from tasks.generate.product import Sample

SHOWN = 64
NARROWEST = 5.0  # inches, which a title takes


def previews(samples: list[Sample], captions: list[str]) -> Figure:
    """A figure of up to 64 samples, each with a line under its name."""
    cols = min(len(samples), 4 if len(samples) <= 16 else 8)
    rows = math.ceil(len(samples) / cols)
    figure = Figure(figsize=(max(2.3 * cols, NARROWEST), 2.55 * rows + 0.5), layout="constrained")
    axes = figure.subplots(rows, cols, squeeze=False).ravel()
    for axis in axes:
        axis.set_axis_off()
    for axis, sample, caption in zip(axes, samples, captions, strict=False):
        axis.imshow(sample.preview(), interpolation="none")
        axis.set_title(f"{sample.name}\n{caption}", fontsize=8)
    return figure
