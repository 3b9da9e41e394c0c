"""Pictures of paintings: maps beside their paintings, light by azimuth, maps of one class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from tasks.evaluate.painting.shadows import AZIMUTHS, SUN, Leakage
from tasks.relief.shade.hillshade import shaded_relief

if TYPE_CHECKING:
    from tasks.evaluate.painting.paintings import Paintings

NO_CLASS = (1.0, 1.0, 1.0)
COLORS = {"texture": "#c0562c", "shaded": "#2f6ea8", "real": "#3f6f4a"}


def paintings(work: Paintings, gsd: float, classes: list[dict[str, Any]], count: int) -> Figure:
    """Rows of map, texture, heights, texture in the sun, and the real tile of the map."""
    count = min(count, len(work.labels))
    titles = ("map", "texture", "heights", "in the sun", "real (held out)")
    figure = Figure(figsize=(2.1 * len(titles), 2.15 * count + 0.3), layout="constrained")
    axes = figure.subplots(count, len(titles), squeeze=False)
    steep = exaggeration(work.height, gsd)
    for row in range(count):
        pictures = (
            palette(classes)[np.minimum(work.labels[row], len(classes))],
            work.painted.texture[row],
            shaded_relief(work.painted.height[row], gsd, exaggeration=steep),
            work.painted.shaded[row],
            work.color[row],
        )
        for axis, picture, title in zip(axes[row], pictures, titles, strict=True):
            axis.imshow(picture, interpolation="nearest")
            axis.set_axis_off()
            if row == 0:
                axis.set_title(title, fontsize=9)
    return figure


def palette(classes: list[dict[str, Any]]) -> np.ndarray:
    """Colours 0..1 by class (k + 1, 3); the last colour is for pixels without a class."""
    return np.array([*([entry[band] / 255 for band in ("red", "green", "blue")] for entry in classes), NO_CLASS])


def exaggeration(height: np.ndarray, gsd: float) -> float:
    """Factor on heights that makes the steeper slopes of these tiles 35°. Coarse grids then show relief."""
    steep = np.quantile(np.abs(np.diff(height, axis=-1)), 0.98) / gsd
    return float(max(1.0, 0.7 / max(steep, 1e-6)))


def leakages(leaks: dict[str, Leakage]) -> Figure:
    """Correlation of lightness with hillshade, by the azimuth of the sun."""
    figure = Figure(figsize=(7.5, 3.6), layout="constrained")
    axis = figure.subplots()
    for name, found in leaks.items():
        text = f"{name}: {found.leak:+.3f} ({found.low:+.3f} to {found.high:+.3f})"
        axis.plot(AZIMUTHS, found.curve, color=COLORS[name], marker="o", markersize=3, label=text)
    axis.axvline(SUN, color="#b08a1e", linewidth=1, label="the sun of the training data")
    axis.axhline(0, color="black", linewidth=0.6)
    axis.set_xticks(range(0, 361, 45))
    axis.set_xlabel("azimuth of the hillshade, degrees from north")
    axis.set_ylabel("correlation with lightness")
    axis.set_title("Shadow leakage: at the sun's azimuth, less the mean", fontsize=10)
    axis.legend(fontsize=8)
    return figure


def singles(sheets: dict[str, np.ndarray]) -> Figure:
    """Textures of maps of one class alone, (n, H, W, 3) each; a row for each class and noise switch."""
    cols = max(len(pictures) for pictures in sheets.values())
    half = -(-len(sheets) // 2)
    figure = Figure(figsize=(2 * 1.7 * cols + 0.6, 1.85 * half + 0.3), layout="constrained")
    axes = figure.subplots(half, 2 * cols, squeeze=False)
    for axis in axes.ravel():
        axis.set_axis_off()
    for number, (name, pictures) in enumerate(sheets.items()):
        row, start = number // 2, number % 2 * cols
        for axis, picture in zip(axes[row, start : start + cols], pictures, strict=False):
            axis.imshow(picture, interpolation="nearest")
        axes[row, start].set_title(name, fontsize=8, loc="left")
    return figure
