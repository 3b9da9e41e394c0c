"""A finished model of `dcgan`: it makes pictures from noise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from models.core.color_encoding import ColorEncoding
from models.core.products import Conditions
from models.core.slots import SLOTS, sample_in_one_step
from models.dcgan.latent import NoiseSpace
from models.dcgan.method import Dcgan


class PictureGenerator:
    """Makes pictures (`models.core.products.ImageModel`). On a CPU, no sample affects the bits of another."""

    product = "image"
    conditions: tuple[str, ...] = ()
    evaluations = (1,)

    def __init__(self, method: Dcgan, networks: nn.ModuleDict, config: dict[str, Any], device: torch.device):
        self._networks, self._device, self._z = networks, device, method.params.generator.z
        self._encoding = ColorEncoding.from_dict(config["encoding"])
        self.latent = NoiseSpace(networks["generator"], method.params.latent, int(config["px"]), device)
        self.config, self.px, self.gsd, self.classes = config, int(config["px"]), config.get("gsd"), []

    def sample(
        self, indices: Sequence[int] | np.ndarray, seed: int, steps: int = 1, conditions: Conditions | None = None
    ) -> np.ndarray:
        """Pictures of the samples `indices` of `seed`, uint8 (n, px, px, 3) sRGB; errors of `sample_in_one_step`."""
        like = (self.px, self.px, 3), np.uint8
        return sample_in_one_step("dcgan", indices, steps, conditions, like, lambda slots: self._batch(slots, seed))

    def _batch(self, slots: dict[int, int], seed: int) -> np.ndarray:
        z = np.zeros((SLOTS, self._z), np.float32)
        for slot, index in slots.items():
            z[slot] = np.random.default_rng([seed, index]).standard_normal(self._z, np.float32)
        with torch.inference_mode():
            images = self._networks["generator"](torch.from_numpy(z).to(self._device))
        return self._encoding.decode(images.float().cpu().numpy())
