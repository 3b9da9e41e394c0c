"""What the loop asks of a method, and nothing more: one network or several, one optimiser or several."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

Batch = Mapping[str, Tensor]
Logs = Mapping[str, Tensor]


@dataclass(frozen=True)
class State:
    """Where training stands."""

    step: int  # 0-based
    steps: int  # in all
    networks: nn.ModuleDict


@dataclass(frozen=True)
class Phase:
    """A part of a step with an optimiser of its own.

    Attributes:
        name: unique in its method; logs are named `<phase>/<what>`.
        networks: those that this phase trains; the others are held still while its loss is computed.
        optimizer: makes the optimiser of their parameters.
        loss: (batch, state) to (scalar to descend, numbers to log).
        due: (state, the newest logs of every phase) to whether the phase runs in this step.
    """

    name: str
    networks: tuple[str, ...]
    optimizer: Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]
    loss: Callable[[Batch, State], tuple[Tensor, Logs]]
    due: Callable[[State, Logs], bool] = lambda state, logs: True


class Method(Protocol):
    """A way to train a generator.

    Attributes:
        networks: everything with weights.
        ema: names of the networks whose moving average is kept; these are what a finished model ships.
        memory: numbers beside the weights that a resumed run must find again (a switch, a running mean).
    """

    networks: nn.ModuleDict
    ema: tuple[str, ...]
    memory: dict[str, float]

    def phases(self) -> list[Phase]:
        """The parts of a step, in order."""
        ...


class Sampler(Method, Protocol):
    """A method whose samples are made from noise alone, one image each."""

    def draw(self, rng: np.random.Generator, steps: int) -> np.ndarray:
        """The randomness of one sample, float32; `rng` belongs to that sample alone."""
        ...

    def sample(
        self, networks: Mapping[str, nn.Module], drawn: Tensor, facts: Tensor, steps: int, labels: Tensor | None
    ) -> Tensor:
        """Turn n drawn values (n, …) into images (n, c, px, px) with these facts (n, k), in `steps` evaluations.

        `labels`: maps of classes (n, px, px) that steer them, or None. ValueError where the method has no way of
        sampling in that many steps, or by labels.
        """
        ...
