"""Definition of a way to steer samples beside their seed: by words, a drawing or a terrain; found by its name.

`tasks/generate/steering/kinds/<name>.py` holds one record, `KIND`. Its name is the option of the command: `--text`.
Several kinds may be given at once, because each fills another condition of the model.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.core.errors import LandloomError
from tasks.generate.terrain.place import Place

if TYPE_CHECKING:
    import pandas as pd

PACKAGE = "tasks.generate.steering.kinds"
Layer = tuple[str, str, Callable[[Path], None]]
"""(ending, title, writer) of a file of a sample."""


@dataclass(frozen=True)
class Given:
    """What a person gave, read for one model.

    Attributes:
        value: the condition of one sample: a text, or an array (h, w) as `models.core.conditions` says.
        stem: what the samples are named after.
        facts: entries of the sidecar. notes: lines for the person.
        layers: files of each sample that show what was given.
        picture: what was given, uint8 (h, w, 3), or None. place: where on Earth the samples lie, or None.
        hole: where the model makes the ground between given heights, bool (h, w), or None. The sheet outlines it.
    """

    value: Any
    stem: str
    facts: dict[str, Any]
    notes: tuple[str, ...] = ()
    layers: tuple[Layer, ...] = ()
    picture: np.ndarray | None = None
    place: Place | None = None
    hole: np.ndarray | None = None


@dataclass(frozen=True)
class Kind:
    """One way to steer.

    Attributes:
        condition: the model's condition that it fills. metavar, help: of the command's option.
        read: (model, the option's value, values of `also`) to what was given. LandloomError if it cannot be used; the
            message names the option or the file.
        also: further options that belong to it: name to (metavar, help). Their value is None if not given.
        colors: model to the classes to draw with (id, name, red, green, blue; class 0 fills a blank drawing); None if
            nothing is drawn.
        exact: whether the samples keep given heights, so that they must be exported as the model made them.
        many: whether the option may be given several times. Each value is a row of the sheet.
    """

    condition: str
    metavar: str
    help: str
    read: Callable[[Any, str, Mapping[str, str | None]], Given]
    also: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    colors: Callable[[Any], pd.DataFrame] | None = None
    exact: bool = False
    many: bool = False


def names() -> list[str]:
    """Names of all kinds, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(importlib.import_module(PACKAGE).__path__))


def find(name: str) -> Kind:
    """The record of a kind; `name` is one of `names()`."""
    return importlib.import_module(f"{PACKAGE}.{name}").KIND


def check(name: str, model: Any, folder: Path) -> None:
    """Raise `LandloomError` if the model does not take the condition of this kind."""
    if find(name).condition not in model.conditions:
        takes = join([f"--{each}" for each in names() if find(each).condition in model.conditions])
        method = model.config["method"]["name"]
        raise LandloomError(
            f"{folder}: this {method} model was trained without the condition {find(name).condition!r}, so --{name} "
            f"cannot steer it; it takes {takes or 'nothing beside a seed'}"
        )


def join(words: list[str]) -> str:
    """Join words as "a, b and c"; an empty text for none."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
