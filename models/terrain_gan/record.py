"""The record of the method `terrain_gan`, which the stages read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from models.core.method import Batch
from models.core.record import SUNLIT, Arrays, MethodRecord, Tiles
from models.terrain_gan.encoding import ColorHeightEncoding
from models.terrain_gan.method import TerrainGan
from models.terrain_gan.painter import Painter
from models.terrain_gan.params import Params


def fit(params: Params, tiles: Tiles, gsd: float | None) -> ColorHeightEncoding:
    """The encoding of the train split; colours need no measurement. ValueError if the tiles have no GSD."""
    if gsd is None:
        raise ValueError("the tiles have no GSD, and slopes need metres in all directions")
    return ColorHeightEncoding.fit((arrays["height"] for arrays in tiles("height")), gsd)


def encode(params: Params, encoding: ColorHeightEncoding, arrays: Arrays) -> Batch:
    """Colours (n, 3, px, px), heights (n, 1, px, px), and class maps as the condition."""
    color, height = encoding.encode(arrays["color"], arrays["height"])
    labels = torch.from_numpy(np.ascontiguousarray(arrays["label"]))
    return Batch({"color": torch.from_numpy(color), "height": torch.from_numpy(height)}, {"labels": labels})


def build(params: Params, config: Mapping[str, Any], lr: float) -> TerrainGan:
    """The untrained method."""
    encoding = ColorHeightEncoding.from_dict(config["encoding"])
    return TerrainGan(params, encoding, config["px"], len(config["classes"]), lr)


METHOD = MethodRecord(
    name="terrain_gan",
    params=Params,
    layers=lambda params: ("height", "color", "label"),
    conditions=lambda params: ("labels",),
    fit=fit,
    encode=encode,
    build=build,
    finish=Painter,
    load=TerrainGan.load,
    adversarial=True,
    turns=SUNLIT,  # colours include light and shadow, and the shadow network learns one direction of the sun
)
