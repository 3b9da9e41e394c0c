"""The device of this process: a fresh accelerator for each variant, memory, and waiting for the GPU."""

from __future__ import annotations

import gc
import resource

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState

from models.core.config import SpeedConfig
from tasks.train.hardware import accelerator

GIB = 2**30


def fresh(precision: str, threads: int, batch: int, speed: SpeedConfig) -> Accelerator:
    """An accelerator of another precision than the one before; compiled code and freed memory are dropped."""
    AcceleratorState._reset_state(reset_partial_state=True)
    torch.compiler.reset()
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    return accelerator(precision, threads, batch, speed)


def peak_gib() -> float:
    """Most memory since `fresh`: of the GPU, or of the process where there is none."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / GIB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / GIB
