"""Parameters of the source `drawn`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tasks.core.settings import Strict


class Params(Strict):
    """Pictures of an evening, drawn by numpy: they lie nowhere."""

    kind: Literal["drawn"]
    """The source."""
    pictures: int = Field(40, ge=1)
    """How many."""
    px: int = Field(64, ge=16)
    """Their sides in pixels."""
