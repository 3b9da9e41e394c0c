"""Results of an evaluation, in a form that describes itself: `evaluation/metrics.json`.

    product, headline (the name of the metric to compare models by), held_out (hash of the held-out tiles: models can be
        compared only on the same ones), findings, cautions and notes (sentences);
    metrics: name, title, value, low and high (95 % of the draws), floor (what real tiles score), better (lower or
        higher), group, and for distances the measure and the set; a field that does not apply is null;
    measures (name, title, better) and sets (name, title, kind: generated, floor or control): columns and rows of the
        table of distances;
    groups (name, title, text, folded, and table: rows of cells by column) and pictures (name, text, group): the layout
        of the rest of a page;
    details: every number behind them.

A reader of the file does not need to know any metric's name.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np

Better = Literal["lower", "higher"]


@dataclass(frozen=True)
class Metric:
    """One number, with the fields that the module's docstring lists."""

    name: str
    title: str
    value: float
    low: float | None = None
    high: float | None = None
    floor: float | None = None
    better: Better = "lower"
    group: str = "distances"
    measure: str | None = None
    set: str | None = None


@dataclass(frozen=True)
class Measure:
    """A way to compare two sets of tiles."""

    name: str
    title: str
    better: Better


@dataclass(frozen=True)
class TileSet:
    """One of the compared sets of tiles. `label` is short, for plots."""

    name: str
    title: str
    label: str
    kind: Literal["generated", "floor", "control"]


@dataclass(frozen=True)
class Group:
    """A part of the page: a heading, sentences, whether it is folded away at first, and a table.

    Metrics of a group with a table are not told a second time on the page.
    """

    name: str
    title: str
    text: list[str] = field(default_factory=list)
    folded: bool = False
    table: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Picture:
    """A picture of `pictures/evaluate`; its group is a group's name, or `distances`."""

    name: str
    text: str
    group: str = "distances"


@dataclass
class Account:
    """All results of an evaluation.

    Attributes:
        matrices: descriptors (N, D) by set. `descriptors` holds their D names. Both go to
            `evaluation/descriptors.parquet`.
    """

    headline: str
    metrics: list[Metric]
    measures: list[Measure]
    sets: list[TileSet]
    findings: list[str]
    cautions: list[str]
    notes: list[str]
    groups: list[Group]
    pictures: list[Picture]
    details: dict[str, Any]
    matrices: dict[str, np.ndarray]
    descriptors: list[str]

    def of(self, name: str) -> Metric:
        """The metric of that name."""
        return next(metric for metric in self.metrics if metric.name == name)

    def to_json(self, **facts: Any) -> dict[str, Any]:
        """The file's content, `facts` included."""
        parts = ("metrics", "measures", "sets", "groups", "pictures")
        lists = {name: [asdict(item) for item in getattr(self, name)] for name in parts}
        texts = {name: getattr(self, name) for name in ("headline", "findings", "cautions", "notes", "details")}
        return {**facts, **lists, **texts}

    def flat(self) -> dict[str, float | int]:
        """Values for a table of runs: `swd/steps1`, `swd/floor_halves_high`, …; `headline` is the headline."""
        headline = self.of(self.headline)
        out: dict[str, float | int] = {"headline": headline.value}  # what a person looks for comes first
        out |= {} if headline.floor is None else {"headline_floor": headline.floor}
        out |= {metric.name: metric.value for metric in self.metrics}
        for metric in self.metrics:
            if metric.measure == headline.measure and metric.low is not None and metric.high is not None:
                out |= {f"{metric.name}_low": metric.low, f"{metric.name}_high": metric.high}
        return out | {"sample_size": self.details["sample_size"]}
