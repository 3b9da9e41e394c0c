"""Parameters of `select`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator, model_validator

from tasks.core.settings import Strict
from tasks.select.columns import RULE_COLUMNS

MOST_OVERLAP = 16  # windows a pixel may lie in along one axis


class Rule(Strict):
    """A bound on one statistic; either end may be null."""

    column: str
    min: float | None = None
    max: float | None = None

    @field_validator("column")
    @classmethod
    def _known(cls, column: str) -> str:
        if column not in RULE_COLUMNS:
            raise ValueError(f"there is no such statistic; there are {', '.join(RULE_COLUMNS)}")
        return column

    @model_validator(mode="after")
    def _bounded(self) -> Rule:
        if self.min is None and self.max is None:
            raise ValueError("a rule needs min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}: no tile could pass")
        return self


class Params(Strict):
    """What is cut, measured, dropped and kept."""

    px: int = Field(ge=16, le=4096)
    stride: int = Field(ge=1)
    quota: int = Field(ge=1)
    rules: list[Rule]
    duplicate_bits: int | None = Field(ge=0, le=12)
    relief_bins: list[Annotated[float, Field(ge=0)]] = Field(min_length=2)
    entropy_bin_m: float = Field(ge=0.01)
    entropy_bin_deg: float = Field(ge=0.01, le=90)
    block_km: float = Field(ge=0.1, le=10000)
    val_share: float = Field(ge=0, le=0.9)

    @field_validator("relief_bins")
    @classmethod
    def _ascending(cls, edges: list[float]) -> list[float]:
        if any(low >= high for low, high in zip(edges, edges[1:], strict=False)):
            raise ValueError("edges must ascend")
        return edges

    @model_validator(mode="after")
    def _overlap(self) -> Params:
        if self.stride * MOST_OVERLAP < self.px:
            raise ValueError(f"stride {self.stride} is below px / {MOST_OVERLAP}: tiles would be nearly the same")
        return self
