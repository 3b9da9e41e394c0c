"""What training shows as it goes: sample grids beside real tiles, and the curve."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from models.terrain_gan.painter import Painted
from tasks.core.files import atomic_file
from tasks.relief.shade.hillshade import shaded_relief

SIDE = 4  # tiles along each side of a grid
GAP = 3  # pixels between tiles
LOOKS = 0.3  # slope, metres per metre, that is well seen in relief

matplotlib.rcParams["svg.hashsalt"] = "landloom"


def grid(titled: dict[str, np.ndarray], gsd: float) -> Figure:
    """Grids of heights side by side, all in the tints of the first one's range.

    Args:
        titled: title to (n, px, px) metres, at most SIDE² of which are drawn.
    """
    low, high = np.percentile(next(iter(titled.values())), [0.5, 99.5])
    px = next(iter(titled.values())).shape[-1]
    # Taller than the squares it holds, because constrained layout does not count a title above an image.
    figure = Figure(figsize=(5 * len(titled), 6.0), layout="constrained")
    for axes, (title, heights) in zip(np.atleast_1d(figure.subplots(1, len(titled))), titled.items(), strict=True):
        sheet = np.full((SIDE * (px + GAP) - GAP,) * 2 + (3,), 255, np.uint8)
        for index, height in enumerate(heights[: SIDE**2]):
            row, col = (px + GAP) * (index // SIDE), (px + GAP) * (index % SIDE)
            sheet[row : row + px, col : col + px] = shaded_relief(height, gsd, low, high)
        axes.imshow(sheet, interpolation="nearest")
        axes.set_title(title)
        axes.axis("off")
    figure.supxlabel(f"tints from {low:.0f} to {high:.0f} m, {gsd:g} m a pixel", fontsize=9)
    return figure


def paintings(
    tiles: dict[str, np.ndarray], painted: Painted, classes: list[dict[str, Any]], gsd: float, title: str, split: str
) -> Figure:
    """One row a map: classes, painted texture, painted heights in relief, painted terrain, real terrain, real relief.

    Args:
        tiles: height (n, px, px) metres, color uint8 (n, px, px, 3) and label uint8 (n, px, px).
    """
    low, high = np.percentile(tiles["height"], [0.5, 99.5])
    rise = np.sqrt(np.square(np.diff(tiles["height"], axis=1) / gsd).mean())
    steeper = max(1.0, LOOKS / max(rise, 1e-6))  # at kilometres a pixel even the Alps cast no shade to speak of
    palette = np.zeros((256, 3), np.uint8)
    for each in classes:
        palette[each["id"]] = each["red"], each["green"], each["blue"]
    columns = {
        "classes": palette[tiles["label"]],
        "texture": painted.texture,
        "height": [shaded_relief(height, gsd, low, high, steeper) for height in painted.height],
        "terrain": painted.shaded,
        f"real ({split})": tiles["color"],
        "its height": [shaded_relief(height, gsd, low, high, steeper) for height in tiles["height"]],
    }
    figure = Figure(figsize=(2.2 * len(columns), 2.2 * len(tiles["label"]) + 0.6), layout="constrained")
    grid = figure.subplots(len(tiles["label"]), len(columns), squeeze=False)
    for (name, images), column in zip(columns.items(), grid.T, strict=True):
        column[0].set_title(name)
        for axes, image in zip(column, images, strict=True):
            axes.imshow(image, interpolation="nearest")
            axes.axis("off")
    scale = f"tints from {low:.0f} to {high:.0f} m, {gsd:g} m a pixel, relief × {steeper:.3g}"
    figure.supxlabel(f"{title}; {scale}", fontsize=9)
    return figure


def curve(rows: list[dict[str, float]]) -> Figure:
    """Every number of the training curve over the steps, one small plot each."""
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
    """Write a PNG that is the same bytes for the same figure."""
    with atomic_file(path) as part:
        figure.savefig(part, dpi=110, metadata={"Software": None})


def facts(row: dict[str, Any]) -> str:
    """One line of progress."""
    return ", ".join(f"{name.split('/')[-1]} {value:.4g}" for name, value in row.items() if name != "step")
