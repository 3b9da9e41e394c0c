"""Parameters of `evaluate`."""

from __future__ import annotations

from pydantic import Field, field_validator

from models.core.config import PinnedFile
from tasks.core.settings import Strict


class Params(Strict):
    """How much is sampled, and how closely it is looked at."""

    samples: int = Field(256, ge=16)
    """Samples for each number of steps. More narrow the intervals; half of the held-out tiles is as many as count."""
    steps: list[int] = Field(default=[1], min_length=1)
    """Numbers of network evaluations a sample, each judged by itself; the last one gives the headline."""
    tiles: int = Field(2000, ge=32)
    """Real tiles of each split to describe at most; the memorisation check searches all training tiles."""
    projections: int = Field(256, ge=1)
    """Directions of the sliced Wasserstein distance. At 256 their choice moves the distance by less than one draw."""
    bootstrap: int = Field(50, ge=2)
    """Draws of equal samples that make the intervals."""
    inception: PinnedFile | None = None
    """A TorchScript Inception file, {path, sha256}; FID is left out, and said to be, where null."""

    @field_validator("steps")
    @classmethod
    def _steps(cls, steps: list[int]) -> list[int]:
        if any(step < 1 for step in steps) or len(set(steps)) < len(steps):
            raise ValueError("must be different whole numbers from 1 up")
        return steps
