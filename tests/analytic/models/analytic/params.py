"""Parameters of the method `analytic`."""

from __future__ import annotations

from typing import ClassVar, Literal

from models.core.config import Config


class Params(Config):
    """A method without weights, for tests of what uses a steered model."""

    product: ClassVar[str] = "heights"

    name: Literal["analytic"] = "analytic"
    conditions: tuple[str, ...] = ("text", "coarse", "sketch", "known")
    """Inputs that control the samples."""
    coarse_px: int = 4
    """Side of the blocks of `coarse`."""
    deaf: bool = False
    """Whether words change nothing."""
