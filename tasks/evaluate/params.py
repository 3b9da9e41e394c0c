"""Parameters of `evaluate`."""

from __future__ import annotations

from pydantic import Field, field_validator

from models.core.config import PinnedFile
from models.features.names import Network
from tasks.core.settings import Strict


class Params(Strict):
    """Numbers of samples, tiles and draws of an evaluation."""

    samples: int = Field(256, ge=16)
    """Samples for each number of steps. More samples narrow the intervals, up to half of the held-out tiles."""
    steps: list[int] = Field(default=[1], min_length=1)
    """Network evaluations per sample. Each number is judged by itself; the last number gives the headline."""
    tiles: int = Field(2000, ge=32)
    """Largest number of real tiles to describe per split. The memorisation check searches all training tiles."""
    steered: int = Field(128, ge=16)
    """Held-out tiles whose captions, lines, block means and known parts steer samples, for models that take them."""
    guidance: float = Field(1.0, ge=1)
    """Strength of guidance of the samples that captions steer."""
    projections: int = Field(256, ge=1)
    """Directions of the sliced Wasserstein distance. With 256, their choice changes it less than one draw does."""
    bootstrap: int = Field(50, ge=2)
    """Draws of equal samples that make the intervals."""
    network: Network = "efficientnet_lite0"
    """Features that compare pictures if `inception` is null: of the packaged EfficientNet-Lite0, or of a fixed random
    network, which is faster and sees less. Heights need no network."""
    inception: PinnedFile | None = None
    """A TorchScript Inception file, {path, sha256}. If null, FID is left out, and the report says so."""

    @field_validator("steps")
    @classmethod
    def _steps(cls, steps: list[int]) -> list[int]:
        if any(step < 1 for step in steps) or len(set(steps)) < len(steps):
            raise ValueError("must be different whole numbers from 1 up")
        return steps
