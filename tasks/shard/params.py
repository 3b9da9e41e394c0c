"""Parameters of the shard stage."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tasks.core.settings import Strict


class Params(Strict):
    """How tiles are stored."""

    px: int = Field(ge=8, le=4096)
    tiles_per_shard: int = Field(ge=1, le=1_000_000)
    encoding: Literal["raw", "png16"]
    height_step: float = Field(gt=0, le=1000)
