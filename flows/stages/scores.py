"""The figures of a dataset, its headline, and a table of parameter sets by one figure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tasks.runs.figures import recorded

HEADLINE = "evaluate.headline"
Row = dict[str, Any]


def figures(root: Path, dataset: str) -> dict[str, float]:
    """Every metric of the dataset as `stage.metric`."""
    rooms = sorted(path.stem for path in (root / "data" / dataset / "runs").glob("*.json"))
    return {f"{room}.{name}": value for room in rooms for name, value in recorded(root, dataset, room).items()}


def headline_of(root: Path, dataset: str) -> dict[str, Any]:
    """The metric that the dataset's evaluation calls its headline (name, title, better, …); {} where there is none."""
    path = root / "data" / dataset / "evaluation" / "metrics.json"
    if not path.exists():
        return {}
    account = json.loads(path.read_text())
    return next(metric for metric in account["metrics"] if metric["name"] == account["headline"])


def headline(found: list[dict[str, Any]]) -> tuple[str, str]:
    """What to rank by, and which direction is better: the headline's own name where all sets have the same one."""
    names = {metric["name"] for metric in found}
    return (f"evaluate.{names.pop()}" if len(names) == 1 else HEADLINE), (found[0]["better"] if found else "lower")


def ranked(rows: list[Row], by: str, largest_first: bool) -> list[Row]:
    """Best first; sets without the metric come last."""
    have = sorted((row for row in rows if row[by] is not None), key=lambda row: row[by], reverse=largest_first)
    return have + [row for row in rows if row[by] is None]


def table(rows: list[Row]) -> str:
    """The rows as text with aligned columns; a parameter has the last parts of its name."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    titles = [name.split(".", 2)[-1] if name.startswith("datasets.") else name for name in names]
    cells = [titles, *([_cell(row.get(name)) for name in names] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells
    )


def _cell(value: Any) -> str:
    return "-" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
