"""Switches that make training faster on some hardware: memory layout, compiled networks, fused optimisers, TF32.

Every switch is off by default (`models.core.config.SpeedConfig`), because it changes the last bits of the weights.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from models.core.config import SpeedConfig

MODES = {"kernels": None, "graphs": "reduce-overhead"}
"""Maps the value of `compile` to the mode of `torch.compile`."""


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Compute with `count` CPU threads. Sums depend on their number, so what follows has as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def lay_out(networks: nn.ModuleDict, speed: SpeedConfig) -> None:
    """Order the weights of convolutions in memory; features get the same layout. Values and names do not change."""
    if speed.channels_last:
        networks.to(memory_format=torch.channels_last)


def compile_networks(networks: nn.ModuleDict, speed: SpeedConfig) -> None:
    """Compile each network in place, for each shape of its inputs that occurs.

    A copy of a compiled network is not compiled; names of weights stay the same.
    """
    if speed.compile != "none":
        for network in networks.values():
            network.compile(mode=MODES[speed.compile], dynamic=False)  # code for any shape is slower


def fused(optimizer: torch.optim.Optimizer, speed: SpeedConfig) -> torch.optim.Optimizer:
    """The same optimiser with the fewest kernels: one kernel, or one kernel per operation over all weights."""
    if not speed.fused_optimizer:
        return optimizer
    switch = "fused" if "fused" in optimizer.defaults else "foreach"
    if switch not in optimizer.defaults:
        return optimizer
    return type(optimizer)(optimizer.param_groups[0]["params"], **{**optimizer.defaults, switch: True})


def set_tf32(speed: SpeedConfig) -> None:
    """Allow or forbid TF32 in products and convolutions of float32. Only GPUs have it."""
    torch.backends.cuda.matmul.allow_tf32 = speed.tf32
    torch.backends.cudnn.allow_tf32 = speed.tf32


def begin_step(speed: SpeedConfig) -> None:
    """Start a new step: recorded CUDA graphs may then overwrite their results of the last step."""
    if speed.compile == "graphs":
        torch.compiler.cudagraph_mark_step_begin()
