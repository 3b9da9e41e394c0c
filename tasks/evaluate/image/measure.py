"""RGB pictures without heights or place, judged by features of a network and by plain statistics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from tasks.core.errors import LandloomError
from tasks.core.stage import Stage
from tasks.evaluate.account import Account
from tasks.evaluate.frame import judge_tiles, real_tiles
from tasks.evaluate.image import plots
from tasks.evaluate.image.controls import controls
from tasks.evaluate.image.descriptors import describe
from tasks.evaluate.image.networks import network
from tasks.evaluate.medium import Control, Medium
from tasks.evaluate.memorisation import thumbnails
from tasks.evaluate.params import Params
from tasks.evaluate.sampling import sample_all
from tasks.formats.shards.shardset import ShardSet

CONTROLS = {
    "noise": Control("noise with each picture's own spectrum", "noise of the same spectrum"),
    "blur": Control("blurred real pictures", "blur"),
    "jpeg": Control("real pictures after JPEG of quality 10", "JPEG of quality 10"),
    "colors": Control("real pictures with a colour cast", "colour cast"),
    "blocks": Control("block-shuffled real pictures", "shuffled blocks"),
    "shuffle": Control("pixel-shuffled real pictures", "shuffled pixels"),
    "collapse": Control("a few training pictures again and again", "collapse"),
}
TEXTS = {
    "tiles": "Held-out real pictures in the first row, generated ones below, then the controls that a good metric must "
    "call bad.",
    "curves": "Lightness, saturation and spectra: real, generated, and noise of the same spectrum.",
    "nearest": "The generated pictures nearest to any training picture, above the one they come near to.",
}


def measure(stage: Stage[Params], model: Any, shards: ShardSet) -> Account:
    """Compare the samples for each number of steps with held-out pictures."""
    if model.px != shards.px:
        raise LandloomError(
            f"the model makes {model.px} pixels, the shards hold {shards.px}; train it again on these shards "
            "(`dvc repro` does)"
        )
    medium = replace(PICTURES, space=network(stage))
    real = real_tiles(stage, medium, shards)
    return judge_tiles(stage, medium, shards, real, sample_all(stage, model))


def _as_images(train: np.ndarray) -> tuple[Callable[[np.ndarray], np.ndarray], dict[str, Any]]:
    return lambda pictures: np.ascontiguousarray(np.moveaxis(pictures, -1, 1)), {}


PICTURES = Medium(
    layer="color",
    noun="pictures",
    describe=describe,
    controls=controls,
    known=CONTROLS,
    baseline="noise",
    thumbnails=lambda pictures: thumbnails(np.moveaxis(pictures, -1, 1)),
    epsilon=4.0,  # byte values; a smaller difference between two clear skies proves nothing
    images=_as_images,
    tiles=plots.tiles,
    pairs=plots.pairs,
    curves=plots.curves,
    texts=TEXTS,
    repeats=20,
)
