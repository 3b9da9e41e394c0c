"""The interface between the loop and a method: networks, and the phases of a training step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor, nn

import models.core.portable  # noqa: F401 - every method imports this file and so uses the portable arithmetic

Logs = Mapping[str, Tensor]


@dataclass(frozen=True)
class Batch:
    """The input of one training step.

    Attributes:
        tensors: name to encoded pixels and numbers, one entry per tile along the first axis.
        conditions: name to array (`models.core.conditions`), one entry per tile. A missing name means that the
            condition is not given.
    """

    tensors: Mapping[str, Tensor]
    conditions: Mapping[str, Tensor] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Tensor:
        return self.tensors[name]

    def to(self, device: torch.device) -> Batch:
        """The same batch on `device`."""
        return self._each(lambda value: value.to(device, non_blocking=True))

    def pinned(self) -> Batch:
        """The same batch in page-locked memory, so that a GPU copies it while it computes."""
        return self._each(Tensor.pin_memory)

    def _each(self, change: Callable[[Tensor], Tensor]) -> Batch:
        parts = (self.tensors, self.conditions)
        return Batch(*({name: change(value) for name, value in part.items()} for part in parts))


@dataclass(frozen=True)
class State:
    """The position of a training.

    Attributes:
        step: number of the step, from 0. steps: total number of steps. networks: the networks of the method.
    """

    step: int
    steps: int
    networks: nn.ModuleDict


@dataclass(frozen=True)
class Phase:
    """A part of a step with a separate optimiser.

    Attributes:
        name: unique in its method; logs are named `<phase>/<what>`.
        networks: the networks that this phase trains; the weights of the others get no gradients from its loss.
        optimizer: function that makes the optimiser of their parameters.
        loss: function of (batch, state) that returns (scalar to minimise, numbers to log).
        shares: name of an earlier phase whose optimiser this phase uses, with its moments; `optimizer` is not called.
        due: function of (state, the newest logs of every phase); True if the phase runs in this step.
    """

    name: str
    networks: tuple[str, ...]
    optimizer: Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]
    loss: Callable[[Batch, State], tuple[Tensor, Logs]]
    due: Callable[[State, Logs], bool] = lambda state, logs: True
    shares: str | None = None


class Method(Protocol):
    """A way to train a generator.

    Attributes:
        networks: all modules with weights.
        ema: names of the networks that have a moving average; a finished model has only these networks.
        memory: other numbers that a resumed run needs (a switch, a running mean).
    """

    networks: nn.ModuleDict
    ema: tuple[str, ...]
    memory: dict[str, float]

    def phases(self) -> list[Phase]:
        """The parts of a step, in order."""
        ...
