"""The device of this process: a new accelerator for each variant, and its peak memory."""

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
    """Return a new accelerator, after removing the previous one, its compiled code and its unused memory."""
    AcceleratorState._reset_state(reset_partial_state=True)
    torch.compiler.reset()
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    torch.set_num_threads(threads)
    return accelerator(precision, batch, speed)


def peak_gib() -> float:
    """Return the peak memory in GiB: of the GPU since `fresh`, or without a GPU of the process since its start."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / GIB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / GIB
