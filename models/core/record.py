"""A method is a folder `models/<name>/`; its `record.py` holds one `MethodRecord` named `METHOD`, found by that name.

There is no list of methods: `methods` reads the folders, and `method` imports one record by name.
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
"""`tiles("height", "color")` yields these layers of the train split in chunks, so they may exceed memory."""

EIGHT = tuple(range(8))
"""Every flip and quarter turn of a tile."""
SUNLIT = (0, 5)
"""Unchanged, and mirrored along the line from north-west to south-east, which keeps a sun in the north-west."""


class Encoding(Protocol):
    """Converts pixels to the input of a network, with values measured on the train split."""

    def to_dict(self) -> dict[str, Any]:
        """JSON values from which the method can build the encoding again."""
        ...


@dataclass(frozen=True)
class Loaded:
    """Facts about the files that a method read before training.

    Attributes:
        facts: for the section `training` of `config.json`. notes: sentences for the log.
    """

    facts: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def load_nothing(method: Method, root: Path) -> Loaded:
    """The default for a method that reads no other file."""
    return Loaded()


def no_conditions(params: Any) -> tuple[str, ...]:
    """The default for a method without conditions."""
    return ()


@dataclass(frozen=True)
class MethodRecord:
    """Everything that the stages use of a method. `params` is always an instance of the record's parameter model.

    Attributes:
        name: name of the folder.
        params: the parameter model, the class `Params` of `models/<name>/params.py`; its instances name the product.
        layers: (params) to the layers that the method learns from. With `label`, the tiles must have classes.
        fit: (params, tiles, gsd) to the encoding. ValueError if the method cannot learn from such tiles.
        encode: (params, encoding, arrays) to a batch; runs in a thread during the training.
        build: (params, config, lr) to the untrained method, from the values of `config.json`: px, gsd, classes and
            encoding are present, and `mirror` where the tiles say whether they may be mirrored. ValueError if they do
            not fit the parameters. The initial weights come from torch's global random state.
        finish: (method, averaged networks, config, device) to the finished model of the product.
        conditions: (params) to the names of the conditions that the finished model takes.
        load: (method, root of the repository) reads other files that training needs, once before training. Such files
            are pinned (`models.core.pinned`). ValueError if a file cannot be used; its message starts with
            the parameter.
        adversarial: whether it can collapse, so that the training is watched (`models.core.watch`).
        turns: rotations and flips of a tile that keep the data valid: `EIGHT`, `SUNLIT` or other codes of 0..7; 0 is
            unchanged.
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
    adversarial: bool = False
    turns: tuple[int, ...] = EIGHT

    def product(self, params: Any) -> str:
        """The product of a model with these parameters: `heights`, `painting` or `image` (`models.core.products`)."""
        return params.product


def methods() -> list[str]:
    """Names of all methods: the folders of `models` that have a `record.py`, sorted."""
    folders = importlib.import_module("models").__path__
    found = {path.parent.name for folder in folders for path in Path(folder).glob("*/record.py")}
    return sorted(found - {Path(__file__).parent.name})


def method(name: str) -> MethodRecord:
    """The record of a method.

    Raises:
        ValueError: the method does not exist; the message lists all methods.
    """
    if name not in (known := methods()):
        raise ValueError(f"there is no method {name!r}; there are {', '.join(known)}")
    record = importlib.import_module(f"models.{name}.record").METHOD
    if record.name != name:
        raise ValueError(f"models/{name}/record.py describes {record.name!r}; its name must be that of its folder")
    return record
