"""What the loop asks of a method: networks, and the phases of a training step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor, nn

import models.core.portable  # noqa: F401 - every method imports this file, so its arithmetic is every processor's

Logs = Mapping[str, Tensor]


@dataclass(frozen=True)
class Batch:
    """What one training step sees.

    Attributes:
        tensors: name to encoded pixels and numbers, one entry a tile along the first axis.
        conditions: name to what steers the sample (`models.core.conditions`), one entry a tile. A name that is missing
            means: no condition is given.
    """

    tensors: Mapping[str, Tensor]
    conditions: Mapping[str, Tensor] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Tensor:
        return self.tensors[name]

    def to(self, device: torch.device) -> Batch:
        """The same batch on `device`."""
        return self._each(lambda value: value.to(device, non_blocking=True))

    def pinned(self) -> Batch:
        """The same batch in page-locked memory, from where a GPU fetches it while it computes."""
        return self._each(Tensor.pin_memory)

    def _each(self, change: Callable[[Tensor], Tensor]) -> Batch:
        parts = (self.tensors, self.conditions)
        return Batch(*({name: change(value) for name, value in part.items()} for part in parts))


@dataclass(frozen=True)
class State:
    """Where training stands.

    Attributes:
        step: number of the step, from 0. steps: number of steps in all. networks: those of the method.
    """

    step: int
    steps: int
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
        ema: names of the networks whose moving average is kept; a finished model has these and no others.
        memory: numbers beside the weights that a resumed run must find again (a switch, a running mean).
    """

    networks: nn.ModuleDict
    ema: tuple[str, ...]
    memory: dict[str, float]

    def phases(self) -> list[Phase]:
        """The parts of a step, in order."""
        ...
