"""The record of the method `consistency`, which the stages read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from models.consistency.encoding import TerrainEncoding
from models.consistency.generator import HeightGenerator
from models.consistency.method import Consistency
from models.consistency.params import Params
from models.consistency.text.encoder import fit as fit_words
from models.core.conditions import block_means
from models.core.height_encoding import HeightEncoding, known_tiles
from models.core.method import Batch
from models.core.pinned_model import take_over
from models.core.record import Arrays, Loaded, MethodRecord, Tiles
from models.core.sketch import lines

READS = {"labels": "label", "text": "caption"}
"""From a condition to the layer that it is made from; the others are made from heights."""


def layers(params: Params) -> tuple[str, ...]:
    """Heights, and class maps and captions if they are conditions."""
    return ("height", *(layer for name, layer in READS.items() if name in params.conditions))


def fit(params: Params, tiles: Tiles, gsd: float | None) -> TerrainEncoding:
    """The encoding of the train split."""
    heights = HeightEncoding.fit((arrays["height"] for arrays in tiles("height")), params.sigma_data)
    if "text" not in params.conditions:
        return TerrainEncoding(heights)
    captions = [text for arrays in tiles("caption") for text in arrays["caption"]]
    known = tuple(str(captions[place]) for place in known_tiles(len(captions)))
    return TerrainEncoding(heights, fit_words(params.text, captions), known)


def encode(params: Params, encoding: TerrainEncoding, arrays: Arrays) -> Batch:
    """Images (n, 1, px, px), facts (n, 2), and all conditions of whole tiles."""
    heights = arrays["height"]
    image, facts = encoding.heights.encode(heights)
    make = {
        "labels": lambda: arrays["label"],
        "text": lambda: encoding.words.codes(arrays["caption"]),
        "coarse": lambda: block_means(heights, params.coarse_px),
        "sketch": lambda: lines(heights),
        "known": lambda: np.asarray(heights, np.float32),
    }
    given = {name: torch.from_numpy(np.ascontiguousarray(make[name]())) for name in params.conditions}
    return Batch({"image": torch.from_numpy(image), "facts": torch.from_numpy(facts)}, given)


def build(params: Params, config: Mapping[str, Any], lr: float) -> Consistency:
    """The untrained method."""
    channels, facts = HeightEncoding.channels, HeightEncoding.facts
    encoding = TerrainEncoding.from_dict(params, config["encoding"])
    return Consistency(params, config["px"], channels, facts, lr, len(config.get("classes", ())), encoding)


def load(method: Consistency, root: Path) -> Loaded:
    """Take over the layers of `start`; facts about them."""
    if method.config.start is None:
        return Loaded()
    networks = nn.ModuleDict({name: method.networks[name] for name in method.ema})
    try:
        return Loaded({"start": take_over(method.config.start, networks, root)})
    except ValueError as error:
        raise ValueError(f"start: {error}") from None


METHOD = MethodRecord(
    name="consistency",
    params=Params,
    layers=layers,
    conditions=lambda params: params.conditions,
    fit=fit,
    encode=encode,
    build=build,
    load=load,
    finish=HeightGenerator,
)
