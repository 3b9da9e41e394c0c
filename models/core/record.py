"""A method is a folder `models/<name>/`; its `record.py` holds one `MethodRecord` named `METHOD`, found by that name.

There is no list of methods: `methods` looks at the folders, and `method` imports the one that is named.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn

from models.core.config import Config
from models.core.method import Batch, Method
from models.core.products import FinishedModel

Arrays = Mapping[str, np.ndarray]
"""Layer to pixels of n tiles: `height` float32 (n, px, px) metres without voids, `color` uint8 (n, px, px, 3) sRGB,
`label` uint8 (n, px, px) class ids with 255 for none; and `caption`, n strings."""

Tiles = Callable[..., Iterator[Arrays]]
"""`tiles("height", "color")` yields these layers of the train split in chunks, so that they need not fit in memory."""

EIGHT = tuple(range(8))
"""Every flip and quarter turn of a tile."""
SUNLIT = (0, 5)
"""As it is, and mirrored along the line from north-west to south-east: a sun in the north-west stays where it is."""


class Encoding(Protocol):
    """How pixels become what a network learns, measured on the train split."""

    def to_dict(self) -> dict[str, Any]:
        """JSON values from which the method can build the encoding again."""
        ...


@dataclass(frozen=True)
class Loaded:
    """What a method read from other files before training.

    Attributes:
        facts: for the section `training` of `config.json`. notes: sentences for the log.
    """

    facts: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def load_nothing(method: Method, root: Path) -> Loaded:
    """For a method that reads no other file."""
    return Loaded()


def no_conditions(params: Any) -> tuple[str, ...]:
    """For a method whose samples nothing steers."""
    return ()


@dataclass(frozen=True)
class MethodRecord:
    """Everything that the stages know of a method. `params` is always an instance of the record's parameter model.

    Attributes:
        name: name of the folder.
        params: the parameter model, the class `Params` of `models/<name>/params.py`; it says the product.
        layers: (params) to the layers that the method learns from. With `label`, the tiles must have classes.
        fit: (params, tiles, gsd) to the encoding. ValueError where the method cannot learn from such tiles.
        encode: (params, encoding, arrays) to a batch; runs in a thread beside the training.
        build: (params, config, lr) to the untrained method, from the values of `config.json`: px, gsd, classes and
            encoding are there. ValueError where they do not fit the parameters. The first weights come from torch's
            global random state.
        finish: (method, averaged networks, config, device) to the finished model of the product.
        conditions: (params) to the names of the conditions that the finished model takes.
        load: (method, root of the repository) reads other files that training needs, once and before it; such files
            are pinned (`models.core.pinned`). ValueError, beginning with the parameter, where one cannot be used.
        turns: ways to lay a tile that keep what the method learns: `EIGHT`, `SUNLIT` or others of 0..7, 0 as it is.
    """

    name: str
    params: type[Config]
    layers: Callable[[Any], tuple[str, ...]]
    fit: Callable[[Any, Tiles, float | None], Encoding]
    encode: Callable[[Any, Any, Arrays], Batch]
    build: Callable[[Any, Mapping[str, Any], float], Method]
    finish: Callable[[Any, nn.ModuleDict, dict[str, Any], torch.device], FinishedModel]
    conditions: Callable[[Any], tuple[str, ...]] = no_conditions
    load: Callable[[Any, Path], Loaded] = load_nothing
    turns: tuple[int, ...] = EIGHT

    @property
    def product(self) -> str:
        """What a finished model makes: `heights`, `painting` or `image` (`models.core.products`)."""
        return self.params.product


def methods() -> list[str]:
    """Names of the methods there are: the folders of `models` that have a `record.py`, sorted."""
    folders = importlib.import_module("models").__path__
    found = {path.parent.name for folder in folders for path in Path(folder).glob("*/record.py")}
    return sorted(found - {Path(__file__).parent.name})


def method(name: str) -> MethodRecord:
    """The record of a method.

    Raises:
        ValueError: there is no such method; the message lists those there are.
    """
    if name not in (known := methods()):
        raise ValueError(f"there is no method {name!r}; there are {', '.join(known)}")
    record = importlib.import_module(f"models.{name}.record").METHOD
    if record.name != name:
        raise ValueError(f"models/{name}/record.py describes {record.name!r}; its name must be that of its folder")
    return record
