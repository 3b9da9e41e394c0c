"""Small untrained models with a latent space."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from models.core.artifact import build_method, load_model, save_model
from models.core.products import latent_space
from tasks.generate.explore.part import Task
from tests.models.settings import DCGAN, STYLEGAN2


def dreamer(root: Path, method: dict[str, Any] = STYLEGAN2) -> Path:
    """A dataset folder that holds nothing but an untrained model of pictures of 32 × 32."""
    config = {"method": method, "px": 32, "encoding": {"kind": "color"}}
    torch.manual_seed(0)
    networks = build_method(config, lr=0.0).networks
    for name, value in networks.named_parameters():
        if name.endswith("strength"):
            value.data.fill_(0.2)  # training starts without noise
    names = ("mapping", "synthesis") if method["name"] == "stylegan2" else ("generator",)
    data = root / "data" / "toy"
    (data / "model").mkdir(parents=True)
    save_model(data / "model", config, type(networks)({name: networks[name] for name in names}))
    return data


def task(root: Path, method: dict[str, Any] = STYLEGAN2, seed: int = 7) -> Task:
    """What a part gets, with such a model."""
    model = load_model(dreamer(root, method) / "model", "cpu")
    return Task(model, latent_space(model), seed, root)


DCGAN_32 = {**DCGAN, "discriminator": {"channels": 4, "most": 8}}
