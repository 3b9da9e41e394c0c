"""Parameter models that every method shares. Imports no torch, so that the check of parameters is fast.

A string below a field explains the field; `make params` prints it.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field


class Config(BaseModel):
    """Base of every parameter model in `models`: unknown keys are errors, and values are read-only."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)

    latent: ClassVar[tuple[str, ...]] = ()
    """Of the parameters of a method: what the latent space of the finished model supports. `points`: a picture from
    any point. `styles`: points are styles that can differ by layer and be truncated. `plane`: pictures of any size."""


class PinnedFile(Config):
    """A file named by path and content, so that a different file under the same path is an error."""

    path: str = Field(min_length=1)
    """Path of the file, relative to the repository."""
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """SHA-256 of its content; `sha256sum FILE` prints it."""


class SpeedConfig(Config):
    """Switches that change speed and memory, and some of them the last bits of the weights.

    The defaults are safe on all hardware. `make gpu-check` measures which switches make a machine faster.
    """

    channels_last: bool = False
    """Keep the channels of a pixel side by side in memory: the memory layout that the tensor cores of GPUs use."""
    compile: Literal["none", "kernels", "graphs"] = "none"
    """torch.compile: `kernels` fuses them, `graphs` also replays recorded CUDA graphs. The first steps take minutes."""
    fused_optimizer: bool = False
    """Update all weights with a few GPU kernels instead of several kernels for each weight."""
    tf32: bool = False
    """Allow GPUs to round the factors of float32 products to 10 bits. It has no effect on what is in bf16."""
    ahead: int = Field(4, ge=1)
    """Number of batches that are prepared in advance."""
    readers: int = Field(1, ge=1, le=64)
    """Number of batches that are prepared at the same time, each by a thread. Threads take turns with the training."""
    kept_gib: float = Field(0.0, ge=0)
    """Memory of each process for prepared tiles, in GiB. While there is room, a tile is prepared once for each of its
    turns, not in every epoch. This pays where a fast GPU sees a small dataset hundreds of times."""
    pinned: bool = True
    """Prepare batches in page-locked memory, so that a GPU copies them while it computes."""


class WatchConfig(Config):
    """The watch for mode collapse (`models.core.watch`), for methods that can collapse."""

    samples: int = Field(64, ge=16)
    """Samples of fixed latents, and held-out pictures, at each look."""
    looks: int = Field(40, ge=2)
    """Looks in the whole run, evenly spread. Each costs about the time of one training step."""
    every: int | None = Field(None, ge=1)
    """Steps between two looks; null: the steps of the run divided by `looks`."""
    low: float = Field(0.35, ge=0)
    """Distance between samples, as a share of that between real pictures, below which a generator has collapsed."""
    fallen: float = Field(0.5, ge=0, le=1)
    """Share of its own highest value (at most 1) below which that distance means collapse."""
    grace: float = Field(0.25, ge=0, le=1)
    """Share of the run in which a small distance is that of an untrained generator, until it has risen once."""
    patience: int | None = Field(None, ge=0)
    """Steps of collapse in a row after which training stops; null: it only warns."""


class LoopConfig(Config):
    """The training loop (`models.core.loop`), the same for every method."""

    steps: int = Field(ge=1)
    """Number of training steps. It depends on the dataset, so there is no default."""
    lr: float = Field(gt=0)
    """Learning rate of the generator after the warm-up. It depends on method and batch, so there is no default."""
    warmup: int = Field(30, ge=0)
    """Steps over which the learning rate rises from zero."""
    cooldown: float = Field(0.3, ge=0, le=1)
    """Share of the steps, at the end, over which the learning rate falls to zero."""
    clip: float = Field(1.0, gt=0)
    """Largest norm of the gradient of one step; a larger gradient is scaled down to it."""
    ema_half_life: float = Field(40.0, gt=0)
    """Steps after which an old weight counts half in the average. A finished model has the averaged weights."""
    ema_ramp: float | None = Field(None, gt=0)
    """Largest half-life as a share of the steps done, to forget early weights (StyleGAN2: 0.05); null: none."""
    log_every: int = Field(10, ge=1)
    """Steps between two points of the training curve; a point is the mean over these steps."""
    checkpoint_every: int = Field(100, ge=1)
    """Steps between two checkpoints. A killed run repeats at most this number of steps."""
    picture_every: int = Field(100, ge=1)
    """Steps between two pictures of samples."""
    watch: WatchConfig = WatchConfig()
    """The watch for mode collapse, for methods that can collapse. The best snapshot becomes the model."""
    speed: SpeedConfig = SpeedConfig()
    """Switches for the hardware of this machine."""

    def rate(self, step: int) -> float:
        """Factor on the learning rate at `step` (0-based): it rises, stays constant, then falls."""
        up = min(1.0, (step + 1) / (self.warmup + 1))
        fall = math.ceil(self.steps * self.cooldown)
        down = min(1.0, (self.steps - step) / fall) if fall else 1.0
        return min(up, down)
