"""The pictures that training makes of a model of the product `heights`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from models.core.products import HeightsModel
from tasks.formats.shards.shardset import ShardSet
from tasks.relief.shade.hillshade import shaded_relief
from tasks.train.pictures import SIDE, sheet, sheets
from tasks.train.training_tiles import shown


def show(model: HeightsModel, shards: ShardSet, done: int) -> Figure:
    """Samples after `done` steps beside held-out tiles (train tiles if no tile is held out)."""
    split, rows = shown(shards, SIDE**2)
    grids = {f"real ({split})": shards.heights(rows)}
    for steps in model.evaluations:
        title = f"step {done}, {steps} evaluation{'s' if steps > 1 else ''}"
        grids[title] = model.sample(range(SIDE**2), seed=0, steps=steps)
    if "labels" in model.conditions:
        labels = shards.batch(rows, ("label",))["label"]
        title = f"step {done}, by the labels of the real ones"
        grids[title] = model.sample(np.arange(len(rows)), 0, model.evaluations[-1], {"labels": labels})
    if "text" in model.conditions:
        texts = shards.index["caption"].to_numpy(object)[rows]
        title = f"step {done}, by the captions of the real ones"
        grids[title] = model.sample(np.arange(len(rows)), 0, model.evaluations[-1], {"text": texts})
    return grid(grids, model.gsd)


def views(shards: ShardSet, rows: np.ndarray) -> tuple[np.ndarray, Callable[[HeightsModel, int], np.ndarray]]:
    """Shaded relief of the tiles `rows`, and a function of (model, n) that shades n samples of the same latents."""
    real = shards.heights(rows)
    low, high = np.percentile(real, [0.5, 99.5])
    gsd = shards.card["gsd"] or 1.0

    def shaded(heights: np.ndarray) -> np.ndarray:
        return np.stack([shaded_relief(height, gsd, low, high) for height in heights])

    return shaded(real), lambda model, count: shaded(model.sample(range(count), seed=0))


def leave(model: HeightsModel, shards: ShardSet, folder: Path) -> None:
    """Write nothing: a model of heights needs no file beside the weights."""


def grid(titled: dict[str, np.ndarray], gsd: float | None) -> Figure:
    """Grids of heights side by side. The range of the first grid sets the colour scale of all grids.

    Args:
        titled: title to (n, px, px) metres; at most SIDE² of them are drawn.
        gsd: metres per pixel; with None the shading assumes one metre per pixel.
    """
    low, high = np.percentile(next(iter(titled.values())), [0.5, 99.5])
    drawn = {
        title: sheet([shaded_relief(height, gsd or 1.0, low, high) for height in heights[: SIDE**2]])
        for title, heights in titled.items()
    }
    scale = f"{gsd:g} m a pixel" if gsd else "no scale on the ground"
    return sheets(drawn, f"tints from {low:.0f} to {high:.0f} m, {scale}")
