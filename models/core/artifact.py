"""A finished model: a folder with `weights.safetensors` and `config.json`. Its files contain no executable code.

model = load_model(Path("data/terrain/model"))
model.product                                          # "heights"
heights = model.sample(range(8), seed=7, steps=2)      # float32 (8, px, px), metres

painter = load_model(Path("data/atlas/model"))         # a model of the product "painting"
painted = painter.paint(labels, seed=7)                # texture, shaded terrain, heights
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from models.core.method import Method
from models.core.products import FinishedModel
from models.core.record import method as record_of
from models.core.tensor_file import write_tensors

FORMAT = "landloom-model/2"


def build_method(config: Mapping[str, Any], lr: float) -> Method:
    """The untrained method that a model's configuration describes.

    Raises:
        ValueError: the configuration names an unknown method, or a method that does not fit its tiles.
    """
    record = record_of(config["method"]["name"])
    return record.build(record.params(**config["method"]), config, lr)


def finished(method: Method, networks: nn.ModuleDict, config: dict[str, Any], device: torch.device) -> FinishedModel:
    """The finished model, from a method and its averaged `networks` on `device`."""
    return record_of(config["method"]["name"]).finish(method, networks, config, device)


def save_model(folder: Path, config: dict[str, Any], networks: nn.ModuleDict) -> None:
    """Write `networks` and `config` into an existing folder.

    Args:
        config: product; method (its parameters, with its name); px, gsd, classes and encoding of the tiles; and
            other facts about the training.
    """
    weights = {name: value.detach().cpu().contiguous() for name, value in networks.state_dict().items()}
    write_tensors(folder / "weights.safetensors", weights)
    record = record_of(config["method"]["name"])
    product = record.product(record.params(**config["method"]))
    values = {"format": FORMAT, "product": product, "gsd": None, "classes": [], **config}
    (folder / "config.json").write_text(json.dumps(values, indent=2, sort_keys=True, allow_nan=False) + "\n")


def load_model(folder: Path, device: str = "auto") -> FinishedModel:
    """Read a finished model; `product` names its interface (`models.core.products`).

    Args:
        device: `cpu`, `cuda`, …, or `auto`: the first GPU, or the CPU if there is no GPU.
    Raises:
        ValueError: the folder is not a model, has another format, or is damaged; the message names it.
    """
    device = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    try:
        config = json.loads((folder / "config.json").read_text())
        if config["format"] != FORMAT:
            raise ValueError(f"the format is {config['format']!r}, and only {FORMAT!r} can be read; train it again")
        method = build_method(config, lr=0.0)
        networks = nn.ModuleDict({name: method.networks[name] for name in method.ema})
        networks.load_state_dict(load_file(folder / "weights.safetensors"))
        return finished(method, networks.to(device).eval().requires_grad_(False), config, torch.device(device))
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        reason = " ".join(str(error).split())[:300]
        raise ValueError(f"{folder}: not a model that can be loaded: {type(error).__name__}: {reason}") from error
