"""Parameters of `train`: the loop's own (`models.config.LoopConfig`), the network's and the method's."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from models.config import ConsistencyConfig, LoopConfig, NetworkConfig
from tasks.settings import Strict


class Params(LoopConfig, Strict):
    """Section `train` of a dataset."""

    method: Literal["consistency"]
    batch: int = Field(ge=1)  # tiles a step, over all processes together
    augment: bool
    precision: Literal["auto", "fp32", "bf16"]
    threads: int = Field(ge=1)
    network: NetworkConfig
    consistency: ConsistencyConfig
