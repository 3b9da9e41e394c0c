"""A finished model of `consistency`. It makes heights from noise, and from conditions if it was trained with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from models.consistency.method import Consistency
from models.core.conditions import checked
from models.core.height_encoding import HeightEncoding
from models.core.products import Conditions
from models.core.slots import SLOTS, sample_in_slots


class HeightGenerator:
    """Makes heights (`models.core.products.HeightsModel`). On a CPU, no sample affects the bits of another."""

    product = "heights"

    def __init__(self, method: Consistency, networks: nn.ModuleDict, config: dict[str, Any], device: torch.device):
        self._method, self._networks, self._device = method, networks, device
        self._encoding = HeightEncoding.from_dict(config["encoding"])
        self.config, self.px, self.gsd = config, int(config["px"]), config.get("gsd")
        self.conditions: tuple[str, ...] = tuple(method.maps)
        self.classes: list[dict[str, Any]] = config.get("classes", []) if self.conditions else []
        self.evaluations = method.evaluations

    def sample(
        self, indices: Sequence[int] | np.ndarray, seed: int, steps: int = 1, conditions: Conditions | None = None
    ) -> np.ndarray:
        """Heights of the samples `indices` of `seed`, float32 (n, px, px) metres.

        Args:
            steps: network evaluations, 1 or 2.
            conditions: `labels`, uint8 (n, px, px), 255 for no class, if the model was trained with them.
        Raises:
            ValueError: `steps`, a condition or an index is invalid.
        """
        given = checked(conditions, self.conditions, len(indices))
        for name, maps in given.items():
            if maps.shape[1:] != (self.px, self.px):
                raise ValueError(f"{name} needs one map of {self.px} × {self.px} for each index, not {maps.shape}")

        def make(slots: dict[int, int], maps: dict[str, np.ndarray]) -> np.ndarray:
            return self._batch(slots, seed, steps, maps)

        heights = np.empty((len(indices), self.px, self.px), np.float32)
        for place, height in enumerate(sample_in_slots(indices, given, make)):
            heights[place] = height
        return heights

    def _batch(self, slots: dict[int, int], seed: int, steps: int, maps: dict[str, np.ndarray]) -> np.ndarray:
        facts = np.zeros((SLOTS, self._encoding.facts), np.float32)
        drawn = np.zeros((SLOTS, steps, *self._method.shape), np.float32)
        for slot, index in slots.items():
            rng = np.random.default_rng([seed, index])
            facts[slot], drawn[slot] = self._encoding.draw(rng), self._method.draw(rng, steps)
        values = [torch.from_numpy(array).to(self._device) for array in (drawn, facts)]
        given = {name: torch.from_numpy(array).to(self._device) for name, array in maps.items()}
        with torch.inference_mode():
            images = self._method.sample(self._networks, *values, steps, given)
        return self._encoding.decode(images.float().cpu().numpy(), facts)
