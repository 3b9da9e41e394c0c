"""The record of the method `dcgan`, which the stages read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from models.core.color_encoding import ColorEncoding
from models.core.method import Batch
from models.core.record import Arrays, MethodRecord
from models.dcgan.generator import PictureGenerator
from models.dcgan.method import Dcgan
from models.dcgan.params import FEW_BATCHES, Params


def encode(params: Params, encoding: ColorEncoding, arrays: Arrays) -> Batch:
    """Images (n, 3, px, px)."""
    return Batch({"image": torch.from_numpy(encoding.encode(arrays["color"])).contiguous()})


def build(params: Params, config: Mapping[str, Any], lr: float) -> Dcgan:
    """The untrained method."""
    batch, tiles = config.get("training", {}).get("batch", 1), config.get("data", {}).get("tiles", FEW_BATCHES)
    return Dcgan(params, config["px"], ColorEncoding.channels, lr, params.steps_of_epoch(int(tiles), int(batch)))


METHOD = MethodRecord(
    name="dcgan",
    params=Params,
    layers=lambda params: ("color",),
    fit=lambda params, tiles, gsd: ColorEncoding(),
    encode=encode,
    build=build,
    finish=PictureGenerator,
    load=Dcgan.load,
    adversarial=True,
)
