"""The pictures that training makes of a model of the product `image`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from models.core.products import ImageModel
from tasks.formats.shards.shardset import ShardSet
from tasks.train.pictures import SIDE, sheet, sheets
from tasks.train.training_tiles import shown


def show(model: ImageModel, shards: ShardSet, done: int) -> Figure:
    """Samples after `done` steps beside held-out tiles (train tiles if no tile is held out)."""
    split, rows = shown(shards, SIDE**2)
    grids = {f"real ({split})": sheet(list(shards.batch(rows, ("color",))["color"]))}
    for steps in model.evaluations:
        title = f"step {done}, {steps} evaluation{'s' if steps > 1 else ''}"
        grids[title] = sheet(list(model.sample(range(SIDE**2), seed=0, steps=steps)))
    if "labels" in model.conditions:
        labels = shards.batch(rows, ("label",))["label"]
        samples = model.sample(np.arange(len(rows)), 0, model.evaluations[-1], {"labels": labels})
        grids[f"step {done}, by the labels of the real ones"] = sheet(list(samples))
    return sheets(grids, f"{model.px} × {model.px} pixels each")


def views(shards: ShardSet, rows: np.ndarray) -> tuple[np.ndarray, Callable[[ImageModel, int], np.ndarray]]:
    """Pictures of the tiles `rows`, and a function of (model, n) that makes n samples of the same latents each time."""
    return shards.batch(rows, ("color",))["color"], lambda model, count: model.sample(range(count), seed=0)


def leave(model: ImageModel, shards: ShardSet, folder: Path) -> None:
    """Write nothing: a model of images needs no file beside the weights."""
