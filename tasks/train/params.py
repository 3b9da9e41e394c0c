"""Parameters of `train`: of the loop, of the stage and of the method."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from models.core.config import LoopConfig
from tasks.core.settings import Strict, chosen


class Params(LoopConfig, Strict):
    """Section `train` of a dataset."""

    batch: int = Field(ge=1)
    """Tiles per step, over all processes together. It depends on method and memory, so there is no default."""
    augment: bool = True
    """Whether tiles are rotated and flipped at random. Each method allows only operations that keep its data valid."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Number format of the networks' arithmetic; auto uses bf16 if the hardware supports it. A method may keep parts in
    float32."""
    threads: int = Field(2, ge=1)
    """CPU threads of each process. Fixed, because another number changes the last bits."""
    arithmetic: Literal["fixed", "fast"] = "fixed"
    """CPU arithmetic: fixed gives the same bytes on every x86-64-v3 processor, fast only on this model of processor."""
    method: chosen("models", "name")
    """The method, by the name of its folder in `models`, and its parameters."""
