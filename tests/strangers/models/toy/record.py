"""What the stages know of the method `toy`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from models.toy.method import Toy
from models.toy.params import Params
from torch import nn

from models.core.conditions import checked
from models.core.method import Batch
from models.core.products import Conditions
from models.core.record import Arrays, MethodRecord, Tiles


@dataclass(frozen=True)
class MeanColor:
    """Pictures as their difference from the mean colour of the train split, in shares of 128."""

    mean: list[float]

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {"mean": self.mean}

    def encode(self, color: np.ndarray) -> np.ndarray:
        """uint8 (n, px, px, 3) to float32 (n, 3, px, px)."""
        return np.moveaxis((color.astype(np.float32) - np.float32(self.mean)) / 128, -1, 1)

    def decode(self, images: np.ndarray) -> np.ndarray:
        """The way back."""
        return np.rint(np.clip(np.moveaxis(images, 1, -1) * 128 + self.mean, 0, 255)).astype(np.uint8)


def _fit(params: Params, tiles: Tiles, gsd: float | None) -> MeanColor:
    sums, count = np.zeros(3), 0
    for arrays in tiles("color"):
        sums += arrays["color"].sum(axis=(0, 1, 2), dtype=np.float64)
        count += arrays["color"].size // 3
    return MeanColor((sums / count).tolist())


def _encode(params: Params, encoding: MeanColor, arrays: Arrays) -> Batch:
    return Batch({"image": torch.from_numpy(np.ascontiguousarray(encoding.encode(arrays["color"])))})


def _build(params: Params, config: Mapping[str, Any], lr: float) -> Toy:
    return Toy(params, config["px"], lr)


class ToyModel:
    """Makes pictures (`models.core.products.ImageModel`)."""

    product = "image"
    conditions: tuple[str, ...] = ()
    evaluations = (1,)

    def __init__(self, method: Toy, networks: nn.ModuleDict, config: dict[str, Any], device: torch.device):
        self._z, self._networks, self._device = method.params.z, networks, device
        self._encoding = MeanColor(**config["encoding"])
        self.config, self.px, self.gsd, self.classes = config, int(config["px"]), config.get("gsd"), []

    def sample(
        self, indices: Sequence[int] | np.ndarray, seed: int, steps: int = 1, conditions: Conditions | None = None
    ) -> np.ndarray:
        """Pictures of the samples `indices` of `seed`, uint8 (n, px, px, 3)."""
        checked(conditions, self.conditions, len(indices))
        if steps != 1:
            raise ValueError(f"toy samples in 1 step, not in {steps}")
        out = []
        for index in indices:  # one by one, so that a sample is the same in any company
            z = np.random.default_rng([seed, int(index)]).standard_normal((1, self._z), np.float32)
            with torch.inference_mode():
                out.append(self._networks["generator"](torch.from_numpy(z).to(self._device)).cpu().numpy())
        return self._encoding.decode(np.concatenate(out))


METHOD = MethodRecord(
    name="toy",
    params=Params,
    layers=lambda params: ("color",),
    fit=_fit,
    encode=_encode,
    build=_build,
    finish=ToyModel,
    turns=(0, 4),
)
