"""A moving average of weights, which samples better than the weights themselves."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable

import torch
from torch import nn


def share(step: int, half_life: float) -> float:
    """Share of the newest weights in the average after `step` (0-based): (1 - d) / (1 - d^(step + 1)), d = 0.5^(1/h).

    This is an exponential average that starts from nothing and is divided by the sum of its shares (Kingma and Ba 2015,
    section 3, the bias correction of Adam). Weights that are `half_life` steps older count exactly half, at every
    length of a run, and the untrained weights do not count. Runs much shorter than `half_life` average all steps alike.
    """
    rate = math.log(2) / half_life
    return math.expm1(-rate) / math.expm1(-rate * (step + 1))


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
        averages, lives = [], []
        for name, network in self._live.items():
            averages += self.networks[name].state_dict().values()
            lives += network.state_dict().values()
        floats = [average.is_floating_point() for average in averages]
        torch._foreach_lerp_(
            [average for average, is_float in zip(averages, floats, strict=True) if is_float],
            [live for live, is_float in zip(lives, floats, strict=True) if is_float],
            share(step, self._half_life),
        )
        for average, live, is_float in zip(averages, lives, floats, strict=True):
            if not is_float:
                average.copy_(live)
