"""A small method with all conditions, on slopes whose captions say where they fall and how high they are."""

from __future__ import annotations

import numpy as np
import torch

from models.consistency.generator import HeightGenerator
from models.consistency.params import Params
from models.consistency.record import METHOD
from models.core.artifact import build_method
from tests.models.toys import CONSISTENCY

PX = 16
ALL = ("text", "coarse", "sketch", "known")
NETWORK = {"channels": 8, "multipliers": [1, 2], "blocks": 1, "attention": [8], "patch": 2, "dropout": 0.0}
SMALL = {"network": NETWORK, "conditions": ALL, "text_width": 16, "coarse_px": 4, "sigma_max": 20.0}
TEXTS = ("High mountains. The slopes face west.", "Low hills. The slopes face east.")


def tiles(count, seed=0):
    """Heights (n, PX, PX), captions, and which tiles are the high ones that face west, bool (n,)."""
    rng = np.random.default_rng(seed)
    high = rng.random(count) < 0.5
    across = np.linspace(-1, 1, PX)[None, None] * np.where(high, 1, -1)[:, None, None]
    size = np.where(high, 400, 30)[:, None, None] * rng.uniform(0.8, 1.25, (count, 1, 1))
    waves = rng.standard_normal((count, PX, PX)).cumsum(axis=1).cumsum(axis=2)
    waves /= waves.std(axis=(1, 2), keepdims=True)
    heights = (np.where(high, 2500, 100)[:, None, None] + size * (across + 0.3 * waves)).astype(np.float32)
    return heights, np.array([TEXTS[0] if each else TEXTS[1] for each in high], object), high


def params(**changes) -> Params:
    return Params(**{**CONSISTENCY.model_dump(), **SMALL, **changes})


def made(seed=0, count=64, **changes):
    """A method with its parameters, its encoding and `config.json`, measured on `count` tiles."""
    values = params(**changes)
    heights, texts, _ = tiles(count)

    def read(*layers):
        yield {
            layer: {"height": heights, "caption": texts, "label": np.zeros(heights.shape, np.uint8)}[layer]
            for layer in layers
        }

    encoding = METHOD.fit(values, read, 90.0)
    config = {"method": values.model_dump(mode="json"), "px": PX, "gsd": 90.0, "encoding": encoding.to_dict()}
    torch.manual_seed(seed)
    return build_method(config, 1e-2), values, encoding, config


def batch(values, encoding, count=32, seed=1):
    heights, texts, _ = tiles(count, seed)
    return METHOD.encode(values, encoding, {"height": heights, "caption": texts})


def finished(method, config, networks=None) -> HeightGenerator:
    networks = torch.nn.ModuleDict({name: (networks or method.networks)[name] for name in method.ema}).eval()
    return HeightGenerator(method, networks.requires_grad_(False), config, torch.device("cpu"))


def shaken(method):
    """Replace weights that begin at zero by random ones, so that an untrained network depends on all inputs."""
    with torch.no_grad():
        for weight in method.networks.parameters():
            if not weight.any():
                weight.normal_(0, 0.05)
    return method
