"""The results of `evaluate` on the page: a table of distances, and groups of other numbers and pictures.

`evaluation/metrics.json` describes its own metrics (see `tasks/evaluate/account.py`), so this file names no metric.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

ARROWS = {"lower": "smaller is closer", "higher": "larger is better"}


@dataclass(frozen=True)
class Row:
    """One row of the table: `cells` maps each measure to a metric, or to None if there is no value."""

    name: str
    kind: str
    cells: list[dict[str, Any] | None]


@dataclass(frozen=True)
class Group:
    """A section below the table: sentences, metrics, the names of its pictures, and a table that replaces metrics."""

    title: str
    text: list[str]
    folded: bool
    metrics: list[dict[str, Any]]
    pictures: list[str]
    table: list[dict[str, Any]]


@dataclass(frozen=True)
class Scores:
    """The content of the page about an evaluation.

    Attributes:
        pictures: names of the pictures above the table, in their order. captions: caption of each picture, by name.
    """

    headings: list[str]
    arrows: list[str]
    rows: list[Row]
    findings: list[str]
    cautions: list[str]
    notes: list[str]
    size: int
    pictures: list[str]
    groups: list[Group]
    captions: dict[str, str]


def read_scores(account: dict[str, Any]) -> Scores:
    """The page content from `evaluation/metrics.json`."""
    metrics, measures = account["metrics"], account["measures"]
    cells = {(metric["set"], metric["measure"]): metric for metric in metrics if metric["measure"]}
    rows = [
        Row(one["title"], one["kind"], [cells.get((one["name"], measure["name"])) for measure in measures])
        for one in account["sets"]
    ]

    def pictures(group: str) -> list[str]:
        return [picture["name"] for picture in account["pictures"] if picture["group"] == group]

    groups = [
        Group(
            group["title"],
            group["text"],
            group["folded"],
            [metric for metric in metrics if metric["group"] == group["name"] and not metric["measure"]],
            pictures(group["name"]),
            group["table"],
        )
        for group in account["groups"]
    ]
    named = {group["name"] for group in account["groups"]}
    return Scores(
        headings=[measure["title"] for measure in measures],
        arrows=[ARROWS[measure["better"]] for measure in measures],
        rows=rows,
        findings=account["findings"],
        cautions=account["cautions"],
        notes=account["notes"],
        size=account["details"]["sample_size"],
        pictures=[picture["name"] for picture in account["pictures"] if picture["group"] not in named],
        groups=groups,
        captions={picture["name"]: picture["text"] for picture in account["pictures"]},
    )
