"""The record of the method `stylegan2`, which the stages read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from models.core.color_encoding import ColorEncoding
from models.core.height_encoding import HeightEncoding
from models.core.method import Batch
from models.core.record import Arrays, MethodRecord, Tiles
from models.stylegan2.generator import finish
from models.stylegan2.method import StyleGan2
from models.stylegan2.params import Params, automatic

DEVIATION = 0.5  # standard deviation of encoded heights, about that of pictures in -1..1


def fit(params: Params, tiles: Tiles, gsd: float | None) -> ColorEncoding | HeightEncoding:
    """The encoding; of heights it is measured on the train split."""
    if params.layer == "color":
        return ColorEncoding()
    return HeightEncoding.fit((arrays["height"] for arrays in tiles("height")), DEVIATION)


def encode(params: Params, encoding: ColorEncoding | HeightEncoding, arrays: Arrays) -> Batch:
    """Images (n, c, px, px), and the facts (n, 2) of heights."""
    if isinstance(encoding, ColorEncoding):
        return Batch({"image": torch.from_numpy(encoding.encode(arrays["color"])).contiguous()})
    image, facts = encoding.encode(arrays["height"])
    return Batch({"image": torch.from_numpy(image), "facts": torch.from_numpy(facts)})


def build(params: Params, config: Mapping[str, Any], lr: float) -> StyleGan2:
    """The untrained method."""
    kind = ColorEncoding if params.layer == "color" else HeightEncoding
    batch = config.get("training", {}).get("batch") or automatic(config["px"])["batch"]
    handed = config.get("mirror") is False
    return StyleGan2(params, config["px"], kind.channels, kind.facts, lr, int(batch), handed)


METHOD = MethodRecord(
    name="stylegan2",
    params=Params,
    layers=lambda params: (params.layer,),
    fit=fit,
    encode=encode,
    build=build,
    finish=finish,
    load=StyleGan2.load,
    adversarial=True,
)
