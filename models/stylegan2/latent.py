"""The latent space W of `stylegan2` (Karras et al. 2019, arXiv 1812.04948, section 2)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from models.core.slots import SLOTS
from models.stylegan2.plane import StylePlane

CHUNK = 4096  # latents of one evaluation of the mapping network; part of the bits of a point


class StyleSpace:
    """`models.core.products.LatentSpace`. Points are styles w; the synthesis network takes one for each layer."""

    name = "W"

    def __init__(self, networks: nn.ModuleDict, z: int, abilities: tuple[str, ...], device: torch.device):
        self._mapping, self._synthesis, self._z, self._device = networks["mapping"], networks["synthesis"], z, device
        self.abilities, self.layers = abilities, self._synthesis.layers
        self.width, self.px = len(self._mapping.mean), self._synthesis.shapes[-1]

    def points(self, indices: Sequence[int] | np.ndarray, seed: int) -> np.ndarray:
        """w of each sample, float32 (n, width)."""
        out = np.empty((len(indices), self.width), np.float32)
        size = SLOTS if len(indices) <= SLOTS else CHUNK
        for start in range(0, len(indices), size):
            some = indices[start : start + size]
            z = np.zeros((size, self._z), np.float32)
            for slot, index in enumerate(some):
                z[slot] = np.random.default_rng([seed, int(index)]).standard_normal(self._z, np.float32)
            with torch.inference_mode():
                styles = self._mapping(torch.from_numpy(z).to(self._device)).cpu().numpy()
            out[start : start + size] = styles[: len(some)]
        return out

    def mean(self) -> np.ndarray:
        """The mean style, measured in training."""
        return self._mapping.mean.cpu().numpy()

    def fit(self, points: np.ndarray) -> np.ndarray:
        """The same points: W is not bound to a length."""
        return points.astype(np.float32)

    def noise(self, index: int, seed: int) -> list[Tensor]:
        """The noise of each convolution, (1, 1, side, side)."""
        rng = np.random.default_rng([seed, index])
        rng.standard_normal(self._z, np.float32)  # the latent; the noise of a sample follows it
        sides = self._synthesis.shapes
        return [
            torch.from_numpy(rng.standard_normal((1, 1, side, side), np.float32)).to(self._device) for side in sides
        ]

    def images(self, points: Tensor, noise: list[Tensor]) -> Tensor:
        """Styles (n, layers, width) to pictures (n, 3, px, px)."""
        return self._synthesis(points.to(self._device), noise)

    def plane(self, seed: int, truncation: float, places: int, patch: int) -> StylePlane:
        """A picture without end (`models.stylegan2.plane`)."""
        return StylePlane(self._mapping, self._synthesis, self._z, seed, truncation, places, patch, self._device)
