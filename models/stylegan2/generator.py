"""A finished model of `stylegan2`: it makes pictures or heights from noise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from models.core.color_encoding import ColorEncoding
from models.core.height_encoding import HeightEncoding
from models.core.products import Conditions, LatentSpace
from models.core.slots import SLOTS, sample_in_one_step
from models.stylegan2.latent import StyleSpace
from models.stylegan2.method import StyleGan2


class StyleGenerator:
    """Makes samples (`models.core.products`). On a CPU, no sample affects the bits of another.

    Attributes:
        networks: `mapping` and `synthesis`.
        latent: the space W; None for heights.
    """

    conditions: tuple[str, ...] = ()
    evaluations = (1,)
    words, coarse_px, most_guidance = None, None, 1.0

    def __init__(self, method: StyleGan2, networks: nn.ModuleDict, config: dict[str, Any], device: torch.device):
        self.networks, self._device, self._z = networks, device, method.params.generator.z
        self.product, self.config = method.params.product, config
        self.px, self.gsd, self.classes = int(config["px"]), config.get("gsd"), []
        kind = ColorEncoding if method.params.layer == "color" else HeightEncoding
        self.encoding = kind.from_dict(config["encoding"])
        abilities = method.params.latent
        self.latent: LatentSpace | None = StyleSpace(networks, self._z, abilities, device) if abilities else None

    def sample(
        self,
        indices: Sequence[int] | np.ndarray,
        seed: int,
        steps: int = 1,
        conditions: Conditions | None = None,
        guidance: float = 1.0,
    ) -> np.ndarray:
        """Samples `indices` of `seed`: uint8 (n, px, px, 3) sRGB, or float32 (n, px, px) metres.

        Raises:
            ValueError: `guidance` is not 1, because no words steer the model; or as `sample_in_one_step`.
        """
        if guidance != 1:
            raise ValueError(f"stylegan2 takes no words, so its guidance is 1, not {guidance:g}")
        square = (self.px, self.px)
        like = ((*square, 3), np.uint8) if self.product == "image" else (square, np.float32)
        return sample_in_one_step("stylegan2", indices, steps, conditions, like, lambda slots: self._batch(slots, seed))

    def captions_near(
        self,
        indices: Sequence[int] | np.ndarray,
        seed: int,
        conditions: Conditions | None = None,
        guidance: float = 1.0,
    ) -> list[str | None]:
        """None for each sample: no words steer it."""
        return [None] * len(indices)

    def draw(self, slots: dict[int, int], seed: int) -> tuple[Tensor, Tensor, list[Tensor], np.ndarray]:
        """Latents, facts and noise of SLOTS samples: (SLOTS, z), (SLOTS, k), per layer (SLOTS, 1, side, side)."""
        shapes = self.networks["synthesis"].shapes
        z, facts = np.zeros((SLOTS, self._z), np.float32), np.zeros((SLOTS, self.encoding.facts), np.float32)
        noise = [np.zeros((SLOTS, 1, side, side), np.float32) for side in shapes]
        for slot, index in slots.items():
            rng = np.random.default_rng([seed, index])
            z[slot] = rng.standard_normal(self._z, np.float32)
            if self.encoding.facts:
                facts[slot] = self.encoding.draw(rng)
            for values in noise:
                values[slot] = rng.standard_normal(values.shape[1:], np.float32)
        given = torch.from_numpy(facts).to(self._device)
        return torch.from_numpy(z).to(self._device), given, [self._tensor(values) for values in noise], facts

    def _batch(self, slots: dict[int, int], seed: int) -> np.ndarray:
        z, given, noise, facts = self.draw(slots, seed)
        with torch.inference_mode():
            styles = self.networks["mapping"](z, given)
            styles = styles[:, None].expand(-1, self.networks["synthesis"].layers, -1)
            images = self.networks["synthesis"](styles, noise).float().cpu().numpy()
        return self.encoding.decode(images) if self.product == "image" else self.encoding.decode(images, facts)

    def _tensor(self, values: np.ndarray) -> Tensor:
        return torch.from_numpy(values).to(self._device)


def finish(method: StyleGan2, networks: nn.ModuleDict, config: dict[str, Any], device: torch.device) -> StyleGenerator:
    """The finished model."""
    return StyleGenerator(method, networks, config, device)
