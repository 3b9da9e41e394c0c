"""The record of the method `consistency`, which the stages read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from models.consistency.generator import HeightGenerator
from models.consistency.method import Consistency
from models.consistency.params import Params
from models.core.height_encoding import HeightEncoding
from models.core.method import Batch
from models.core.record import Arrays, MethodRecord, Tiles


def layers(params: Params) -> tuple[str, ...]:
    """Heights, and class maps if they are a condition."""
    return ("height", "label") if "labels" in params.conditions else ("height",)


def fit(params: Params, tiles: Tiles, gsd: float | None) -> HeightEncoding:
    """The encoding of the train split's heights."""
    return HeightEncoding.fit((arrays["height"] for arrays in tiles("height")), params.sigma_data)


def encode(params: Params, encoding: HeightEncoding, arrays: Arrays) -> Batch:
    """Images (n, 1, px, px), facts (n, 2), and the conditions."""
    image, facts = encoding.encode(arrays["height"])
    given = {"labels": torch.from_numpy(arrays["label"])} if "labels" in params.conditions else {}
    return Batch({"image": torch.from_numpy(image), "facts": torch.from_numpy(facts)}, given)


def build(params: Params, config: Mapping[str, Any], lr: float) -> Consistency:
    """The untrained method."""
    channels, facts = HeightEncoding.channels, HeightEncoding.facts
    return Consistency(params, config["px"], channels, facts, lr, len(config.get("classes", ())))


METHOD = MethodRecord(
    name="consistency",
    params=Params,
    layers=layers,
    conditions=lambda params: params.conditions,
    fit=fit,
    encode=encode,
    build=build,
    finish=HeightGenerator,
)
