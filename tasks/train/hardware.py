"""The hardware of a training: processor or GPU, number of processes, precision."""

from __future__ import annotations

import sys

import torch
from accelerate import Accelerator, PartialState

from models.core.config import SpeedConfig
from models.core.speed import set_tf32
from tasks.core.errors import LandloomError

SWITCH_S = 1e-4
"""Longest time that the thread which starts GPU kernels waits for a thread that prepares batches. Python's default is
5 ms: a training of small networks, which starts a thousand kernels a step, then takes twice the time."""


def accelerator(precision: str, batch: int, speed: SpeedConfig) -> Accelerator:
    """Set up the device of this process, alone or under `accelerate launch`.

    Args:
        precision: auto, fp32 or bf16. batch: tiles a step, over all processes.
        speed: whether TF32 is allowed.
    """
    state = PartialState(cpu=not torch.cuda.is_available())
    if batch % state.num_processes:
        raise LandloomError(f"train.batch: {batch} tiles cannot be shared evenly by {state.num_processes} processes")
    cuda = state.device.type == "cuda"
    bf16 = cuda and torch.cuda.is_bf16_supported(including_emulation=False)
    if precision == "bf16" and not bf16:
        raise LandloomError(f"train.precision: bf16 is not in this hardware ({state.device.type}); use auto or fp32")
    if cuda:
        torch.backends.cudnn.benchmark = True
        set_tf32(speed)
        sys.setswitchinterval(SWITCH_S)
    else:
        torch.use_deterministic_algorithms(True)
    return Accelerator(cpu=not cuda, mixed_precision="bf16" if bf16 and precision != "fp32" else "no")
