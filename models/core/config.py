"""Parameter models that every method shares. Imports no torch, so that parameters check in a moment.

A string below a field says what the field means; `make params` prints it.
"""

from __future__ import annotations

import math
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Config(BaseModel):
    """Base of every parameter model in `models`: unknown keys are refused, and values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)


class PinnedFile(Config):
    """A file named by path and content, so that another file under the same path is refused."""

    path: str = Field(min_length=1)
    """Path of the file, relative to the repository."""
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """SHA-256 of its content; `sha256sum FILE` prints it."""


class SpeedConfig(Config):
    """Switches that change speed, memory and the last bits of the weights, never what is trained.

    The defaults are safe everywhere. `make gpu-check` measures which of them pay on a machine.
    """

    channels_last: bool = False
    """Keep the channels of a pixel side by side in memory: what the tensor cores of GPUs compute on."""
    compile: Literal["none", "kernels", "graphs"] = "none"
    """torch.compile: kernels fuses them, graphs also replays recorded CUDA graphs. The first steps take minutes."""
    fused_optimizer: bool = False
    """Update all weights in a few kernels instead of some for each weight."""
    tf32: bool = False
    """Let GPUs round the factors of float32 products to 10 bits. No effect where bf16 is used."""
    ahead: int = Field(4, ge=1)
    """Batches that are prepared before they are asked for."""
    pinned: bool = True
    """Prepare batches in page-locked memory, from where a GPU fetches them while it computes."""


class LoopConfig(Config):
    """The training loop (`models.core.loop`), the same for every method."""

    steps: int = Field(ge=1)
    """Training steps. No number suits every dataset, so there is no default."""
    lr: float = Field(gt=0)
    """Learning rate of the generator after the warm-up. It depends on method and batch, so there is no default."""
    warmup: int = Field(30, ge=0)
    """Steps over which the learning rate rises from nothing."""
    cooldown: float = Field(0.3, ge=0, le=1)
    """Share of the steps, at the end, over which the learning rate falls to nothing."""
    clip: float = Field(1.0, gt=0)
    """Largest norm of the gradient of one step; a larger gradient is scaled down to it."""
    ema_half_life: float = Field(40.0, gt=0)
    """Steps after which an old weight counts half in the averaged weights, which are what a finished model has."""
    log_every: int = Field(10, ge=1)
    """Steps between two points of the curve; a point is the mean over them."""
    checkpoint_every: int = Field(100, ge=1)
    """Steps between two checkpoints: what a killed run repeats at most."""
    picture_every: int = Field(100, ge=1)
    """Steps between two pictures of samples."""
    speed: SpeedConfig = SpeedConfig()
    """Switches for the hardware at hand."""

    def rate(self, step: int) -> float:
        """Share of the learning rate at `step` (0-based): up, level, down."""
        up = min(1.0, (step + 1) / (self.warmup + 1))
        fall = math.ceil(self.steps * self.cooldown)
        down = min(1.0, (self.steps - step) / fall) if fall else 1.0
        return min(up, down)
