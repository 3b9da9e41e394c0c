"""What generate needs to know of a product: how samples are made, shown and counted.

`tasks/generate/<product>/product.py` holds one record, `PRODUCT`; the product is what the model says that it makes.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from matplotlib.figure import Figure

from models.core.artifact import load_model
from tasks.core.errors import LandloomError
from tasks.generate.params import Params

Facts = dict[str, Any]


class Sample(Protocol):
    """One sample, as every export takes it.

    Attributes:
        name: of its files. facts: where it comes from (model, seed, index, steps, drawing); its files tell them.
    """

    name: str
    facts: Facts

    def check(self) -> None:
        """Raise `LandloomError` where the sample is no use to anybody."""
        ...

    def describe(self, params: Params, shared: Any) -> Facts:
        """What the sidecar says of it; `summary` (a line) and `alt` (a sentence) are for the report."""
        ...

    def preview(self) -> np.ndarray:
        """What a person looks at, uint8 (h, w, 3)."""
        ...

    def layers(self) -> Iterator[tuple[str, str, Callable[[Path], None]]]:
        """(ending, title, writer) of each file that is written whatever the exports."""
        ...


@dataclass(frozen=True)
class Product:
    """How one kind of model is sampled.

    Attributes:
        title: heading of the samples. noun: their name, in the plural.
        check: raises `LandloomError` where the model (of this folder) cannot be sampled.
        make: (model, its folder, the dataset's name, parameters, facts of the origin) to `params.count` samples.
            Sample i depends on the model, the seed and i alone.
        sheet: (samples, how many there are in all) to a figure of them.
        figures: sidecars to metrics.
        shared: (parameters, samples) to the samples and what they share, see `Order`.
        draw: (model, class ids uint8 (H, W), parameters, seed, name, facts) to the sample of a person's drawing; None
            where models of this product take none.
    """

    title: str
    noun: str
    check: Callable[[Any, Path], None]
    make: Callable[[Any, Path, str, Params, Facts], Iterator[Any]]
    sheet: Callable[[list[Any], int], Figure]
    figures: Callable[[list[Facts]], dict[str, float]]
    shared: Callable[[Params, Iterable[Any]], tuple[Iterable[Any], Any]] = lambda params, made: (made, None)
    draw: Callable[[Any, np.ndarray, Params, int, str, Facts], Any] | None = None


def find(name: str) -> Product:
    """The record of a product; `LandloomError` where nobody has written one."""
    module = f"tasks.generate.{name}.product"
    if not name.isidentifier() or importlib.util.find_spec(f"tasks.generate.{name}") is None:
        raise LandloomError(f"generate: nothing here can sample a model of {name}: tasks/generate/{name} is missing")
    return importlib.import_module(module).PRODUCT


def open_model(folder: Path) -> tuple[Any, Product]:
    """The model of `folder` and its product; `LandloomError` where it is none, or cannot be sampled."""
    try:
        model = load_model(folder)
    except ValueError as error:
        raise LandloomError(f"{error}; run `dvc repro` to train it again") from None
    product = find(product_of(model))
    product.check(model, folder)
    return model, product


def product_of(model: Any) -> str:
    """What a model makes."""
    return model.product
