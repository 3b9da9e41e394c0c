"""Every value of a dataset with its default filled in, what it means, and whether the dataset chose it.

    python -m flows.params terrain                 make params DATASET=terrain
    python -m flows.params terrain --stage train   make params DATASET=terrain STAGE=train

`params.yaml` says only what a dataset chose. The defaults and the meanings stand in each room's `params.py`, in
`models/<method>/params.py` and in `tasks/acquire/sources/<kind>/params.py`.
"""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal, get_origin

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from tasks.core.command import told
from tasks.core.dag import stage_names
from tasks.core.errors import LandloomError
from tasks.core.settings import ROOT, Settings, load, rooms

WIDTH = 160
_NAME, _VALUE, _STATE = 34, 40, 8  # widths of columns; the meaning has the rest


@dataclass(frozen=True)
class Row:
    """One value, or the heading of a group of values, whose `value` is None.

    Attributes:
        name: dotted, below the section: `download.retries`.
        state: `chosen` where it stands in `params.yaml`, else `default`.
        meaning: the string below the field in its model; of the key of a choice, what the chosen model says of itself.
    """

    name: str
    value: str | None
    state: str
    meaning: str


def table(dataset: str, stage: str | None = None, root: Path = ROOT) -> str:
    """The values of one dataset as text, `WIDTH` columns at most; of one of its stages where `stage` names it.

    Raises:
        LandloomError: there is no such dataset or stage, or a value of the dataset is wrong.
    """
    settings = load(root, dataset)
    params = rooms(settings.datasets, dataset, root)
    if stage is not None and stage not in params:
        raise LandloomError(f"there is no stage {stage!r} with parameters; there are {', '.join(params)}")
    order = [name for name in stage_names(root) if name in params]
    parts = [] if stage else [_section("all datasets", _shared(settings))]
    for name in [stage] if stage else order:
        parts.append(_section(f"datasets.{dataset}.{name}", list(rows(params[name]))))
    return "\n".join(parts)


def rows(model: BaseModel, prefix: str = "", chosen: bool = True) -> Iterator[Row]:
    """A row for each value of a validated model, in the order in which the model declares them.

    Args:
        chosen: whether the model itself stands in `params.yaml`; values inside a default are defaults.
    """
    for name, field in type(model).model_fields.items():
        value, here = getattr(model, name), chosen and name in model.model_fields_set
        meaning = " ".join((field.description or "").split())
        if not meaning and get_origin(field.annotation) is Literal:  # the key of a choice
            meaning = (type(model).__doc__ or "").strip().partition("\n")[0]
        if isinstance(value, BaseModel):
            yield Row(f"{prefix}{name}", None, "", meaning)
            yield from rows(value, f"{prefix}{name}.", here)
        else:
            more = _default(field, value) if here else ""
            yield Row(f"{prefix}{name}", shown(value), "chosen" if here else "default", meaning + more)


def _default(field: FieldInfo, value: Any) -> str:
    """The default of a chosen value; empty where it is equal or where there is none."""
    if field.is_required():
        return ""
    default = field.get_default(call_default_factory=True)
    return "" if shown(default) == shown(value) else f" Default: {shown(default)}."


def shown(value: Any) -> str:
    """A value in one line, in the form of `params.yaml`."""
    text = yaml.safe_dump(_plain(value), default_flow_style=True, sort_keys=False, width=10**6, allow_unicode=True)
    return text.removesuffix("...\n").strip()


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_unset=True)
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value


def _shared(settings: Settings) -> list[Row]:
    return [row for row in rows(settings) if row.name != "datasets"]


def _section(title: str, found: list[Row]) -> str:
    lines = [title, "-" * len(title)]
    for row in found:
        lines += _lines(row)
    return "\n".join([*lines, ""])


def _lines(row: Row) -> list[str]:
    """A row as lines; long cells continue on the next line."""
    meaning = WIDTH - _NAME - _VALUE - _STATE - 6
    if row.value is None:
        return [line.rstrip() for line in textwrap.wrap(f"{row.name:{_NAME}}  {row.meaning}", WIDTH)]
    cells = [
        textwrap.wrap(text, width, break_long_words=True, break_on_hyphens=False) or [""]
        for text, width in ((row.name, _NAME), (row.value, _VALUE), (row.state, _STATE), (row.meaning, meaning))
    ]
    widths = (_NAME, _VALUE, _STATE, meaning)
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(parts, widths, strict=True)).rstrip()
        for parts in zip_longest(*cells, fillvalue="")
    ]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m flows.params", description=__doc__.splitlines()[0])
    parser.add_argument("dataset", help="a key of `datasets` in params.yaml")
    parser.add_argument("--stage", help="only this stage's values, as `train`")
    given = parser.parse_args()
    with told():
        print(table(given.dataset, given.stage))


if __name__ == "__main__":
    main()
