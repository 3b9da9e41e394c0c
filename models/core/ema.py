"""A moving average of weights, which samples better than the weights themselves."""

from __future__ import annotations

import copy
from collections.abc import Iterable

import torch
from torch import nn

RAMP = 0.05  # of the steps done: the longest half-life, so that the first weights are soon forgotten (EDM, app. F.2)


class Ema:
    """Averages of the named networks: floating-point weights by half-life, everything else copied.

    Attributes:
        networks: the averages, ready to sample from: copies in evaluation mode that ask for no gradients.
    """

    def __init__(self, networks: nn.ModuleDict, names: Iterable[str], half_life: float):
        """`half_life`: steps after which an old weight counts half."""
        self._live = {name: networks[name] for name in names}
        self._half_life = half_life
        copies = {name: copy.deepcopy(network).eval().requires_grad_(False) for name, network in self._live.items()}
        self.networks = nn.ModuleDict(copies)

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after `step` (0-based)."""
        keep = 0.5 ** (1 / min(self._half_life, RAMP * (step + 1)))
        averages, lives = [], []
        for name, network in self._live.items():
            averages += self.networks[name].state_dict().values()
            lives += network.state_dict().values()
        floats = [average.is_floating_point() for average in averages]
        torch._foreach_lerp_(
            [average for average, is_float in zip(averages, floats, strict=True) if is_float],
            [live for live, is_float in zip(lives, floats, strict=True) if is_float],
            1 - keep,
        )
        for average, live, is_float in zip(averages, lives, floats, strict=True):
            if not is_float:
                average.copy_(live)
