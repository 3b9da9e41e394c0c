"""The latent space of `dcgan`: the random numbers z themselves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from models.core.products import Plane


class NoiseSpace:
    """`models.core.products.LatentSpace`. Nearly all random z have about the length √width, so blends get it too."""

    layers, name = 1, "z"

    def __init__(self, generator: nn.Module, abilities: tuple[str, ...], px: int, device: torch.device):
        self._generator, self._device = generator, device
        self.abilities, self.width, self.px = abilities, generator.z, px

    def points(self, indices: Sequence[int] | np.ndarray, seed: int) -> np.ndarray:
        """z of each sample, float32 (n, width)."""
        rows = [np.random.default_rng([seed, int(i)]).standard_normal(self.width, np.float32) for i in indices]
        return np.stack(rows) if rows else np.empty((0, self.width), np.float32)

    def mean(self) -> np.ndarray:
        """Zeros."""
        return np.zeros(self.width, np.float32)

    def fit(self, points: np.ndarray) -> np.ndarray:
        """Points with the length √width."""
        lengths = np.sqrt((points.astype(np.float64) ** 2).mean(axis=-1, keepdims=True))
        return (points / np.maximum(lengths, 1e-8)).astype(np.float32)

    def noise(self, index: int, seed: int) -> list[Tensor]:
        """No noise."""
        return []

    def images(self, points: Tensor, noise: list[Tensor]) -> Tensor:
        """Points (n, 1, width) to pictures (n, 3, px, px)."""
        return self._generator(points[:, 0].to(self._device))

    def plane(self, seed: int, truncation: float, places: int, patch: int) -> Plane:
        """Not supported: the first layer is a matrix that makes features of one fixed size."""
        raise ValueError("dcgan makes pictures of one size")
