"""A finished model of `terrain_gan`. It makes a texture, heights and shaded terrain from a class map."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from models.core.conditions import NO_CLASS, one_hot
from models.core.products import Painted
from models.terrain_gan.method import TerrainGan


class Painter:
    """Paints class maps (`models.core.products.PaintingModel`).

    On a CPU, all bits of a painting depend only on the map, the seed, the index of the map, and the noise.
    """

    product = "painting"
    conditions = ("labels",)

    def __init__(self, method: TerrainGan, networks: nn.ModuleDict, config: dict[str, Any], device: torch.device):
        self._method, self._networks, self._device = method, networks, device
        self.config, self.px, self.gsd = config, int(config["px"]), float(config["gsd"])
        self.classes: list[dict[str, Any]] = config["classes"]
        self.stride: int = networks["generator"].stride

    def paint(self, labels: np.ndarray, seed: int, noise: float = 1.0) -> Painted:
        """Paint class maps, uint8 (n, h, w); a pixel without a class (255) is painted from its surroundings.

        Args:
            noise: factor on the noise of each pixel; with 0 the painting has no noise per pixel.
        Raises:
            ValueError: a side is not a multiple of `stride`, or a map has a class that the model does not have.
        """
        labels = np.asarray(labels)
        if labels.ndim != 3 or labels.dtype != np.uint8:
            raise ValueError(f"maps are uint8 (n, h, w), not {labels.dtype} {labels.shape}")
        shapes = self._networks["generator"].shapes(*labels.shape[1:])
        strange = sorted(set(np.unique(labels)) - {NO_CLASS, *range(len(self.classes))})
        if strange:
            known = f"0 to {len(self.classes) - 1}, and 255 for none"
            raise ValueError(f"class {strange[0]} is not the model's; it has {known}")
        size = labels.shape
        painted = Painted(np.empty((*size, 3), np.uint8), np.empty((*size, 3), np.uint8), np.empty(size, np.float32))
        for place, one in enumerate(labels):
            rng = np.random.default_rng([seed, place])
            drawn = [rng.standard_normal((1, self._networks["generator"].z), np.float32)]
            drawn += [np.float32(noise) * rng.standard_normal((1, 1, *shape), np.float32) for shape in shapes]
            texture, shaded, height = self._one(torch.from_numpy(one[None].copy()), list(map(torch.from_numpy, drawn)))
            painted.texture[place], painted.height[place] = (part[0] for part in self._decoded(texture, height))
            painted.shaded[place] = self._decoded(shaded, height)[0][0]
        return painted

    def _one(self, label: Tensor, drawn: list[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        z, *noises = (values.to(self._device) for values in drawn)
        with torch.inference_mode():
            classes = one_hot(label.to(self._device), len(self.classes))
            texture, height = self._networks["generator"](z, classes, noises)
            return texture, self._networks["shadow"](texture, self._method.slopes(height)), height

    def _decoded(self, image: Tensor, height: Tensor) -> tuple[np.ndarray, np.ndarray]:
        return self._method.encoding.decode(image.float().cpu().numpy(), height.float().cpu().numpy())
