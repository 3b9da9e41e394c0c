"""Heights as a medium: terrain descriptors, controls that break terrain, pictures in relief."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from tasks.core.errors import LandloomError
from tasks.evaluate.medium import Control, Medium
from tasks.evaluate.memorisation import thumbnails
from tasks.evaluate.terrain import plots
from tasks.evaluate.terrain.controls import controls
from tasks.formats.shards.shardset import ShardSet
from tasks.relief.descriptors import describe

CONTROLS = {
    "noise": Control("fractal noise of the same spectrum", "fractal noise"),
    "noise_tile": Control("noise with each tile's own spectrum", "noise, tile by tile"),
    "blur": Control("blurred real tiles", "blur"),
    "blocks": Control("block-shuffled real tiles", "shuffled blocks"),
    "shuffle": Control("pixel-shuffled real tiles", "shuffled pixels"),
}
TEXTS = {
    "tiles": "Held-out real tiles in the first row, generated ones below, then the controls that a good metric must "
    "call bad. One range of metres colours them all.",
    "curves": "Hypsometry, slopes and spectra: real, generated, and noise of the same spectrum.",
    "nearest": "The generated tiles nearest to any training tile, above the tile they come near to.",
}
EPSILON = 1.0  # metres; a smaller difference between two plains proves nothing
RANGE = (0.001, 0.999)  # quantiles of training heights that become black and white


def terrain(gsd: float) -> Medium:
    """The medium of heights (N, S, S) in metres at `gsd` metres a pixel."""
    return Medium(
        layer="height",
        noun="terrain",
        describe=partial(describe, gsd=gsd),
        controls=lambda real, seed: controls(real, gsd, seed),
        known=CONTROLS,
        baseline="noise",
        thumbnails=thumbnails,
        epsilon=EPSILON,
        images=as_grey,
        tiles=partial(plots.tiles, gsd=gsd),
        pairs=partial(plots.pairs, gsd=gsd),
        curves=partial(plots.curves, gsd=gsd),
        texts=TEXTS,
    )


def ground_distance(shards: ShardSet, model: Any) -> float:
    """Metres a pixel of shards and model; `LandloomError` if the value is missing or the two differ."""
    if shards.card["gsd"] is None:
        raise LandloomError(f"{shards.folder}: the tiles have no GSD; relief can only be measured where metres are")
    if (model.px, model.gsd) != (shards.px, shards.card["gsd"]):
        raise LandloomError(
            f"the model makes {model.px} pixels at {model.gsd} m, the shards hold {shards.px} at "
            f"{shards.card['gsd']} m; train it again on these shards (`dvc repro` does)"
        )
    return float(shards.card["gsd"])


def as_grey(train: np.ndarray) -> tuple[Callable[[np.ndarray], np.ndarray], dict[str, Any]]:
    """A function from heights to grey images, and its facts. All sets use one range of metres, from training tiles.

    The common alternative stretches each image to its own minimum and maximum. It hides relief: a plain looks like a
    mountain, and a model with wrong heights can still score well.
    """
    low, high = height_range(train)
    return partial(grey, low=low, high=high), {"grey_range_m": [low, high]}


def grey(heights: np.ndarray, low: float, high: float) -> np.ndarray:
    """Heights as grey images, uint8 (N, 3, S, S); heights below `low` give 0, heights above `high` give 255."""
    values = np.clip((heights - low) / max(high - low, 1e-6), 0, 1) * 255
    return np.repeat(np.rint(values).astype(np.uint8)[:, None], 3, axis=1)


def height_range(train: np.ndarray) -> tuple[float, float]:
    """The fixed range of metres. It depends only on training tiles, so it is the same for every model."""
    low, high = np.quantile(train, RANGE)
    return float(low), float(high)
