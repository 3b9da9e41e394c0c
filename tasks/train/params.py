"""Parameters of `train`: the loop's own (`models.core.config.LoopConfig`) and those of the method."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from models.core.config import ConsistencyConfig, LoopConfig, NetworkConfig, TerrainGanConfig
from tasks.core.settings import Strict

SECTIONS = {"consistency": ("network", "consistency"), "terrain_gan": ("terrain_gan",)}
"""Method to the blocks that it needs; another method's blocks may stay, so that one can change between them."""


class Params(LoopConfig, Strict):
    """Section `train` of a dataset."""

    method: Literal["consistency", "terrain_gan"]
    batch: int = Field(ge=1)  # tiles a step, over all processes together
    augment: bool
    precision: Literal["auto", "fp32", "bf16"]
    threads: int = Field(ge=1)
    network: NetworkConfig | None = None  # absent, not a value: a block of another method
    consistency: ConsistencyConfig | None = None
    terrain_gan: TerrainGanConfig | None = None

    @model_validator(mode="after")
    def _blocks(self) -> Params:
        for name in SECTIONS[self.method]:
            if getattr(self, name) is None:
                raise ValueError(f"method {self.method} needs the block `{name}`")
        return self
