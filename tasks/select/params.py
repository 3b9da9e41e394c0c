"""Parameters of `select`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, field_validator, model_validator

from tasks.core.choice import Selected
from tasks.core.settings import Strict
from tasks.select.columns import COLOR, PICTURE, RULE_COLUMNS

MOST_OVERLAP = 16  # windows along one axis that may share a pixel


class Bound(Strict):
    """A bound on one statistic; either end may be null."""

    column: str
    """A statistic of the tile table."""
    min: float | None = None
    """Tiles below it are dropped."""
    max: float | None = None
    """Tiles above it are dropped."""

    @field_validator("column")
    @classmethod
    def _known(cls, column: str) -> str:
        if column not in RULE_COLUMNS:
            raise ValueError(f"there is no such statistic; there are {', '.join(RULE_COLUMNS)}")
        return column

    @model_validator(mode="after")
    def _bounded(self) -> Bound:
        if self.min is None and self.max is None:
            raise ValueError("a rule needs min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}: no tile could pass")
        return self


class AnyOf(Strict):
    """Several bounds, of which one must hold: a tile is dropped if it fails all of them."""

    any: list[Bound] = Field(min_length=2)
    """The bounds."""


def _rule(value: Any) -> Any:
    """A rule from a mapping: one with the key `any` has several bounds."""
    if isinstance(value, (Bound, AnyOf)):
        return value
    if not isinstance(value, dict):
        raise ValueError("a rule must be a mapping, as {column: relief, min: 2.0}")
    return _kind(value).model_validate(value)


def _kind(value: Any) -> type[Strict]:
    return AnyOf if isinstance(value, dict) and "any" in value else Bound


Rule = Annotated[Any, Selected(_kind), PlainValidator(_rule)]


class Params(Strict):
    """Section `select` of a dataset: how tiles are cut, measured, dropped and kept."""

    px: int = Field(64, ge=16, le=4096)
    """Side of a tile's window, in pixels of the scene."""
    stride: int = Field(32, ge=1)
    """Pixels between windows; less than px means overlap."""
    quota: int = Field(1200, ge=1)
    """Most tiles to keep, after all rules."""
    rules: list[Rule] = [Bound(column="void_share", max=0.0)]
    """Rules in order; the first rule that a tile fails is the reason why it is dropped. A rule is a bound on a column,
    or `any: [bound, bound]`, which drops the tiles that fail all of its bounds. docs/selection.md lists the columns."""
    duplicate_bits: int | None = Field(2, ge=0, le=12)
    """Tiles whose perceptual hashes differ in at most this many of 64 bits are duplicates. Null finds none."""
    duplicate_marks: int | None = Field(8, ge=4, le=64)
    """Pictures of different sources that agree in at least this many marks are near-duplicates, also across crops,
    mirror images, sizes and shifts of colour; they stay on one side of the split. Null finds none."""
    duplicate_overlap: float | None = Field(0.8, gt=0, le=1)
    """Of near-duplicates that share at least this part of their area, only the first is kept. Null keeps all."""
    relief_bins: list[Annotated[float, Field(ge=0)]] = Field([0.0, 30.0, 100.0, 300.0, 1000.0, 10000.0], min_length=2)
    """Edges of relief bins, in metres. Bins × regions get equal shares of the quota, so that plains do not dominate."""
    balance_by: str | None = "colorfulness"
    """The statistic whose bins stand in for those of relief where tiles are pictures, such as `colorfulness` or
    `color_mean`; null for no bins."""
    balance_bins: list[Annotated[float, Field(ge=0)]] = Field([0.0, 8.0, 20.0, 35.0, 55.0, 200.0], min_length=2)
    """Edges of the bins of `balance_by`: grey, tinted, muted, plain, strong."""
    balance_each: Literal["region", "source"] = "region"
    """Whether bins get equal shares in each region (for pictures the folder of the file), or in each source: sheet,
    photograph or, for tiles with a place, geographic block."""
    entropy_bin_m: float = Field(5.0, ge=0.01)
    """Bin width of the height histogram whose entropy is measured, in metres."""
    entropy_bin_deg: float = Field(1.0, ge=0.01, le=90)
    """Bin width of the slope histogram whose entropy is measured, in degrees."""
    block_km: float = Field(24.0, ge=0.1, le=10000)
    """Side of a geographic block, many times that of a tile. A block is all train or all val, and tiles on both go.
    Pictures without a place are split by sheet or photograph instead."""
    val_share: float = Field(0.2, ge=0, le=0.9)
    """Share of the tiles for validation."""

    @field_validator("balance_by")
    @classmethod
    def _measured(cls, column: str | None) -> str | None:
        known = [*COLOR, *PICTURE]
        if column is not None and column not in known:
            raise ValueError(f"pictures have no such statistic; they have {', '.join(known)}")
        return column

    @field_validator("relief_bins", "balance_bins")
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
