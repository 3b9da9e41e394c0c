"""The sheet of all terrains: previews side by side, each with its range in metres."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.figure import Figure

from tasks.generate.sample import preview


def overview(terrains: list[tuple[str, np.ndarray]], gsd: float, count: int) -> Figure:
    """A figure of up to 64 of `count` terrains: (name, float32 (H, W) metres)."""
    cols = min(len(terrains), 4 if len(terrains) <= 16 else 8)
    rows = math.ceil(len(terrains) / cols)
    figure = Figure(figsize=(2.3 * cols, 2.55 * rows + 0.5), layout="constrained")
    axes = figure.subplots(rows, cols, squeeze=False).ravel()
    for axis in axes:
        axis.set_axis_off()
    for axis, (name, height) in zip(axes, terrains, strict=False):
        axis.imshow(preview(height, gsd), interpolation="none")
        axis.set_title(f"{name}\n{height.min():,.0f} to {height.max():,.0f} m", fontsize=8)
    side = terrains[0][1].shape[0] * gsd / 1000
    more = f", {len(terrains)} of {count}" if count > len(terrains) else ""
    figure.suptitle(f"Generated terrains, {side:.3g} km a side, {gsd:g} m a pixel{more}", fontsize=10)
    return figure
