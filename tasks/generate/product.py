"""Description of a product for generate: functions that make, show and count samples.

`tasks/generate/<product>/product.py` holds one record, `PRODUCT`. The model names its product.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from matplotlib.figure import Figure

from models.core.artifact import load_model
from tasks.core.errors import LandloomError
from tasks.generate.params import Params

if TYPE_CHECKING:
    from tasks.generate.steering.rows import Row

Facts = dict[str, Any]


class Sample(Protocol):
    """One sample; every export takes this interface.

    Attributes:
        name: name of its files. facts: its origin (model, seed, index, steps, drawing), stored in its files.
    """

    name: str
    facts: Facts

    def check(self) -> None:
        """Raise `LandloomError` if the sample is not usable."""
        ...

    def describe(self, params: Params, shared: Any) -> Facts:
        """Entries of the sidecar. `summary` (a line) and `alt` (a sentence) are for the report."""
        ...

    def preview(self) -> np.ndarray:
        """Picture for people, uint8 (h, w, 3)."""
        ...

    def layers(self) -> Iterator[tuple[str, str, Callable[[Path], None]]]:
        """(ending, title, writer) of each file that does not depend on the exports."""
        ...


@dataclass(frozen=True)
class Product:
    """Functions and texts to sample one kind of model.

    Attributes:
        title: heading of the samples. noun: their name, in the plural.
        check: raises `LandloomError` if the model (of this folder) cannot be sampled.
        make: (model, its folder, the dataset's name, parameters, facts of the origin) to `params.count` samples.
            Sample i depends only on the model, the seed and i.
        sheet: (samples, total number of samples) to a figure of the samples.
        figures: sidecars to metrics beside their number.
        shared: (parameters, samples) to the samples and their shared data, see `Order`.
        line: sample to a few words for below its picture.
        refine: (parameters, sample) to the sample as it is exported.
        steer: (model, a row of `tasks.generate.steering.rows`, parameters, facts of the origin) to the row's samples;
            None if models of this product cannot be steered.
    """

    title: str
    noun: str
    check: Callable[[Any, Path], None]
    make: Callable[[Any, Path, str, Params, Facts], Iterator[Any]]
    sheet: Callable[[list[Any], int], Figure]
    figures: Callable[[list[Facts]], dict[str, float]]
    shared: Callable[[Params, Iterable[Any]], tuple[Iterable[Any], Any]] = lambda params, made: (made, None)
    line: Callable[[Any], str] = lambda sample: sample.name
    refine: Callable[[Params, Any], Any] = lambda params, sample: sample
    steer: Callable[[Any, Row, Params, Facts], list[Any]] | None = None


def find(name: str) -> Product:
    """The record of a product; `LandloomError` if the product has no record."""
    module = f"tasks.generate.{name}.product"
    if not name.isidentifier() or importlib.util.find_spec(f"tasks.generate.{name}") is None:
        raise LandloomError(f"generate: nothing here can sample a model of {name}: tasks/generate/{name} is missing")
    return importlib.import_module(module).PRODUCT


def open_model(folder: Path, mend: str = "run `dvc repro` to train it again") -> tuple[Any, Product]:
    """The model of `folder` and its product; `LandloomError` if it is not a model or cannot be sampled.

    Args:
        mend: what to do about a folder that is not a model, the end of the message.
    """
    try:
        model = load_model(folder)
    except ValueError as error:
        raise LandloomError(f"{error}; {mend}") from None
    product = find(product_of(model))
    product.check(model, folder)
    return model, product


def product_of(model: Any) -> str:
    """Name of a model's product."""
    return model.product
