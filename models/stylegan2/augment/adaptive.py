"""Adapts the probability of augmentation to how much the discriminator overfits.

r_t = E[sign(D(real))] (Karras et al. 2020, arXiv 2006.06676, equation 1) goes to 1 when the discriminator knows the
training pictures. p rises while r_t is above its target, and falls while it is below, by a fixed amount.
"""

from __future__ import annotations

import torch
from torch import Tensor

from models.stylegan2.params import AugmentConfig


class Adaptive:
    """The controller. Its state is in `memory`, plain numbers that a checkpoint keeps.

    Signs are read from the device only when p is due to change, so that a GPU need not wait in every step.
    """

    def __init__(self, config: AugmentConfig, batch: int, memory: dict[str, float]):
        self._config, self._memory = config, memory
        self._step = batch * config.every / config.images
        self._waiting: list[Tensor] = []
        memory.update(p=config.p or 0.0, signs=0.0, seen=0.0)

    @property
    def p(self) -> float:
        """The probability now."""
        return self._memory["p"]

    def turn(self, sign: Tensor | None) -> None:
        """Take the mean sign of one step; change p after every `every` steps."""
        if self._config.p is not None or sign is None:
            return
        self._waiting.append(sign)
        if self._memory["seen"] + len(self._waiting) < self._config.every:
            return
        self.settle()
        memory, config = self._memory, self._config
        off = memory["signs"] / memory["seen"] - config.target
        p = memory["p"] + self._step * ((off > 0) - (off < 0))
        memory.update(p=min(max(p, 0.0), config.highest), signs=0.0, seen=0.0)

    def settle(self) -> None:
        """Bring the signs that wait on the device into `memory`."""
        if self._waiting:
            self._memory["signs"] += float(torch.stack([sign.double().cpu() for sign in self._waiting]).sum())
            self._memory["seen"] += len(self._waiting)
            self._waiting.clear()
