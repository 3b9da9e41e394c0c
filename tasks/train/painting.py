"""The pictures that training makes of a model of the product `painting`, and the drawings saved with the model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from models.core.products import Painted, PaintingModel
from tasks.formats.shards.shardset import ShardSet
from tasks.formats.tables.drawing import write_drawing
from tasks.relief.shade.hillshade import shaded_relief
from tasks.train.training_tiles import shown

ROWS = 6  # number of maps shown
DRAWINGS = 8  # number of maps saved with the model
LOOKS = 0.3  # slope, metres per metre, that is clearly visible in shaded relief


def show(model: PaintingModel, shards: ShardSet, done: int) -> Figure:
    """Held-out class maps (train maps if no map is held out), painted after `done` steps, beside the real terrain."""
    split, rows = shown(shards, ROWS)
    tiles = shards.batch(rows, ("height", "color", "label"))
    painted = model.paint(tiles["label"], seed=0)
    return paintings(tiles, painted, model, f"step {done}", split)


def views(shards: ShardSet, rows: np.ndarray) -> tuple[np.ndarray, Callable[[PaintingModel, int], np.ndarray]]:
    """Colours of the tiles `rows`, and a function of (model, n) that paints the class maps of the first n of them.

    The maps differ as the tiles do, so paintings that differ less than the tiles come from a painter that collapsed.
    """
    tiles = shards.batch(rows, ("color", "label"))
    return tiles["color"], lambda model, count: model.paint(tiles["label"][:count], seed=0).shaded


def leave(model: PaintingModel, shards: ShardSet, folder: Path) -> None:
    """Write `drawings/000.png`, …: class maps that a person can paint with the model."""
    _, rows = shown(shards, DRAWINGS)
    classes = pd.DataFrame(model.classes)
    for number, label in enumerate(shards.batch(rows, ("label",))["label"]):
        write_drawing(folder / "drawings" / f"{number:03}.png", label, classes)


def paintings(tiles: dict[str, np.ndarray], painted: Painted, model: PaintingModel, title: str, split: str) -> Figure:
    """A row per map: classes, painted texture, painted heights in relief, painted terrain, real terrain, real relief.

    Args:
        tiles: height (n, px, px) metres, color uint8 (n, px, px, 3) and label uint8 (n, px, px).
    """
    gsd = model.gsd or 1.0
    low, high = np.percentile(tiles["height"], [0.5, 99.5])
    rise = np.sqrt(np.square(np.diff(tiles["height"], axis=1) / gsd).mean())
    steeper = max(1.0, LOOKS / max(rise, 1e-6))  # at kilometres per pixel, even steep slopes are invisible
    palette = np.zeros((256, 3), np.uint8)
    for each in model.classes:
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
