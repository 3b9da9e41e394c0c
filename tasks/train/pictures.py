"""Figures of training for all products: sheets of tiles and the training curve."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from tasks.core.files import atomic_file

SIDE = 4  # number of tiles along each side of a sheet
GAP = 3  # pixels between tiles

matplotlib.rcParams["svg.hashsalt"] = "landloom"


def sheet(images: list[np.ndarray]) -> np.ndarray:
    """At most SIDE² pictures uint8 (px, px, 3), placed row by row on one white picture."""
    px = images[0].shape[0]
    out = np.full((SIDE * (px + GAP) - GAP,) * 2 + (3,), 255, np.uint8)
    for index, image in enumerate(images[: SIDE**2]):
        row, col = (px + GAP) * (index // SIDE), (px + GAP) * (index % SIDE)
        out[row : row + px, col : col + px] = image
    return out


def sheets(titled: dict[str, np.ndarray], note: str) -> Figure:
    """Pictures side by side, each under its title, and a note below."""
    # The figure is taller than its images, because constrained layout ignores a title above an image.
    figure = Figure(figsize=(5 * len(titled), 6.0), layout="constrained")
    for axes, (title, image) in zip(np.atleast_1d(figure.subplots(1, len(titled))), titled.items(), strict=True):
        axes.imshow(image, interpolation="nearest")
        axes.set_title(title)
        axes.axis("off")
    figure.supxlabel(note, fontsize=9)
    return figure


def curve(rows: list[dict[str, float]]) -> Figure:
    """The training curve: one small plot over the steps for each number."""
    names = sorted({name for row in rows for name in row} - {"step"})
    figure = Figure(figsize=(4.2 * max(1, len(names)), 3.2), layout="constrained")
    for axes, name in zip(np.atleast_1d(figure.subplots(1, max(1, len(names)))), names, strict=True):
        points = np.array([(row["step"], row[name]) for row in rows if name in row])
        axes.plot(*points.T, color="#3f6f4a", linewidth=1.2)
        if (points[:, 1] > 0).all() and points[:, 1].max() > 10 * points[:, 1].min():
            axes.set_yscale("log")
        axes.set(title=name, xlabel="steps")
        axes.grid(alpha=0.3)
    return figure


def save(figure: Figure, path: Path) -> None:
    """Write a PNG. The same figure always gives the same bytes."""
    with atomic_file(path) as part:
        figure.savefig(part, dpi=110, metadata={"Software": None})


def facts(row: dict[str, Any]) -> str:
    """One line of text about the progress."""
    return ", ".join(f"{name.split('/')[-1]} {value:.4g}" for name, value in row.items() if name != "step")
