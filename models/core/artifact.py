"""A finished model: a folder with `weights.safetensors` and `config.json`, and nothing that runs code.

generator = load_model(Path("data/terrain/model"))
heights = generator.sample(range(8), seed=7, steps=2)      # float32 (8, px, px), metres

painter = load_model(Path("data/atlas/model"))             # of a method that paints maps of classes
painted = painter.paint(labels, seed=7)                    # texture, shaded terrain, heights
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from models.consistency.encoding import HeightEncoding
from models.consistency.method import Consistency
from models.core.conditions import NO_CLASS
from models.core.config import ConsistencyConfig, NetworkConfig, TerrainGanConfig
from models.core.method import Sampler
from models.terrain_gan.encoding import ColorHeightEncoding
from models.terrain_gan.method import TerrainGan
from models.terrain_gan.painter import Painter

FORMAT = "landloom-model/1"
SLOTS = 16  # samples computed together; part of the format, because another number may round differently


def build_method(config: dict[str, Any], lr: float) -> Consistency | TerrainGan:
    """The untrained method that a model's configuration describes; ValueError where it describes none."""
    classes = len(config.get("classes", ()))
    if config["method"] == "consistency":
        # Models from before there were conditions have none.
        method = ConsistencyConfig(**{"condition": "none", "condition_dropout": 0.0, **config["consistency"]})
        network = NetworkConfig(**config["network"])
        return Consistency(network, method, config["px"], config["channels"], config["facts"], lr, classes)
    if config["method"] == "terrain_gan":
        encoding = ColorHeightEncoding.from_dict(config["encoding"])
        return TerrainGan(TerrainGanConfig(**config["terrain_gan"]), encoding, config["px"], classes, lr)
    raise ValueError(f"method {config['method']!r} is not known here; known: consistency, terrain_gan")


def save_model(folder: Path, config: dict[str, Any], networks: nn.ModuleDict) -> None:
    """Write `networks` and `config` (see `load_model`) into an existing folder.

    `config` holds px, gsd, method, a section for the method, encoding and, as the method has them, network, channels,
    facts and classes, and whatever else is worth knowing of the model's making.
    """
    weights = {name: value.detach().cpu().contiguous() for name, value in networks.state_dict().items()}
    save_file(weights, folder / "weights.safetensors")
    text = json.dumps({"format": FORMAT, **config}, indent=2, sort_keys=True, allow_nan=False)
    (folder / "config.json").write_text(text + "\n")


def load_model(folder: Path, device: str = "auto") -> Generator | Painter:
    """Read a finished model.

    Args:
        device: `cpu`, `cuda`, …, or `auto`: the first GPU where there is one.
    Raises:
        ValueError: the folder is not a model, or of another format, or damaged; the message names it.
    """
    device = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    try:
        config = json.loads((folder / "config.json").read_text())
        if config["format"] != FORMAT:
            raise ValueError(f"format {config['format']!r}, and only {FORMAT!r} can be read")
        method = build_method(config, lr=0.0)
        networks = nn.ModuleDict({name: method.networks[name] for name in method.ema})
        networks.load_state_dict(load_file(folder / "weights.safetensors"))
        return finished(method, networks.to(device).eval().requires_grad_(False), config, torch.device(device))
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        reason = " ".join(str(error).split())[:300]
        raise ValueError(f"{folder}: not a model that can be loaded: {type(error).__name__}: {reason}") from error


def finished(
    method: Consistency | TerrainGan, networks: nn.ModuleDict, config: dict[str, Any], device: torch.device
) -> Generator | Painter:
    """What a person uses of a method whose averaged `networks` lie on `device`."""
    if isinstance(method, TerrainGan):
        return Painter(method, networks, config, device)
    return Generator(method, networks, HeightEncoding.from_dict(config["encoding"]), config, device)


class Generator:
    """Makes terrains. On a CPU a sample depends on (seed, index, steps) alone, to the bit.

    Attributes:
        config: `config.json`. px: side of a sample. gsd: metres a pixel.
    """

    def __init__(
        self,
        method: Sampler,
        networks: nn.ModuleDict,
        encoding: HeightEncoding,
        config: dict[str, Any],
        device: torch.device,
    ):
        self._method, self._networks, self._encoding, self._device = method, networks, encoding, device
        self.config, self.px, self.gsd = config, int(config["px"]), config["gsd"]

    def sample(
        self, indices: Sequence[int] | np.ndarray, seed: int, steps: int, labels: np.ndarray | None = None
    ) -> np.ndarray:
        """Heights of the samples `indices` of `seed`, float32 (n, px, px) metres.

        A sample always sits in slot `index mod SLOTS` of a batch of SLOTS, whoever is asked for with it:
        kernels may round differently by the size of a batch and the place in it, never by its neighbours.

        Args:
            labels: a map of classes for each, uint8 (n, px, px), 255 for no class, if the model was trained with them.
        Raises:
            ValueError: the method cannot sample in `steps` evaluations or by labels, or an index is negative.
        """
        indices = [int(index) for index in indices]
        if labels is not None and np.shape(labels) != (len(indices), self.px, self.px):
            raise ValueError(f"labels are one map of {self.px} × {self.px} for each index, not {np.shape(labels)}")
        heights = np.empty((len(indices), self.px, self.px), np.float32)
        groups: dict[tuple[int, int], list[int]] = {}
        seen: Counter[int] = Counter()
        for place, index in enumerate(indices):
            groups.setdefault((index // SLOTS, seen[index]), []).append(place)
            seen[index] += labels is not None  # the same index may be asked for under two maps
        for places in groups.values():
            slots = [indices[place] % SLOTS for place in places]
            maps = None
            if labels is not None:
                maps = np.full((SLOTS, self.px, self.px), NO_CLASS, np.uint8)
                maps[slots] = labels[places]
            heights[places] = self._batch({indices[place] for place in places}, seed, steps, maps)[slots]
        return heights

    def _batch(self, indices: set[int], seed: int, steps: int, labels: np.ndarray | None) -> np.ndarray:
        facts, drawn = np.zeros((SLOTS, self._encoding.facts), np.float32), None
        for index in sorted(indices):
            rng, slot = np.random.default_rng([seed, index]), index % SLOTS
            facts[slot] = self._encoding.draw(rng)
            values = self._method.draw(rng, steps)
            drawn = np.zeros((SLOTS, *values.shape), np.float32) if drawn is None else drawn
            drawn[slot] = values
        on_device = [torch.from_numpy(array).to(self._device) for array in (drawn, facts)]
        maps = None if labels is None else torch.from_numpy(labels).to(self._device)
        with torch.inference_mode():
            images = self._method.sample(self._networks, *on_device, steps, maps)
        return self._encoding.decode(images.float().cpu().numpy(), facts)
