"""Exponential moving average of weights. The average gives better samples than the weights themselves."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable

import torch
from torch import nn


def share(step: int, half_life: float, ramp: float | None = None) -> float:
    """Return the share of the newest weights after `step` (0-based): (1 - d) / (1 - d^(step + 1)), d = 0.5^(1 / h).

    This is an exponential average that starts from zero and is divided by the sum of its weights (the bias correction
    of Adam: Kingma and Ba 2015, section 3). Weights that are h = `half_life` steps older count exactly half, for all
    lengths of a run. The untrained weights do not count. A run much shorter than h averages all steps equally.

    With `ramp` the half-life is at most that share of the steps done, so that an average of the first steps is
    forgotten in time. The half-life then grows with the run, and the share is 1 - 0.5^(1 / h): the weight of the first
    steps has faded when h is reached.
    """
    if ramp is not None and (limit := ramp * (step + 1)) < half_life:
        return 1 - 0.5 ** (1 / limit)
    rate = math.log(2) / half_life
    return math.expm1(-rate) / math.expm1(-rate * (step + 1))


class Ema:
    """Averages of the named networks. Floating-point tensors are averaged; other tensors are copied.

    Attributes:
        networks: the averages: copies of the networks in evaluation mode and without gradients.
    """

    def __init__(self, networks: nn.ModuleDict, names: Iterable[str], half_life: float, ramp: float | None = None):
        """Copy the networks `names`.

        Args:
            half_life: number of steps after which a weight counts half. ramp: see `share`.
        """
        self._live = {name: networks[name] for name in names}
        self._half_life, self._ramp = half_life, ramp
        copies = {name: copy.deepcopy(network).eval().requires_grad_(False) for name, network in self._live.items()}
        self.networks = nn.ModuleDict(copies)

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Add the weights after `step` (0-based) to the averages."""
        averages, lives = [], []
        for name, network in self._live.items():
            averages += self.networks[name].state_dict().values()
            lives += network.state_dict().values()
        floats = [average.is_floating_point() for average in averages]
        torch._foreach_lerp_(
            [average for average, is_float in zip(averages, floats, strict=True) if is_float],
            [live for live, is_float in zip(lives, floats, strict=True) if is_float],
            share(step, self._half_life, self._ramp),
        )
        for average, live, is_float in zip(averages, lives, floats, strict=True):
            if not is_float:
                average.copy_(live)
