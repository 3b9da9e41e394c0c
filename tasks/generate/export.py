"""Definition of an export: a file format for samples, found by its name. Every sample also has a preview.

`tasks/generate/exports/<name>.py` (or a folder of that name) holds one record, `EXPORT`. The module level imports no
heavy packages, because the check of parameters imports the module. `write` imports its own packages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.core.errors import LandloomError
from tasks.core.settings import Strict
from tasks.generate.records import Records

if TYPE_CHECKING:
    import numpy as np

    from tasks.generate.params import Params
    from tasks.generate.product import Sample

Facts = dict[str, Any]


class NoSettings(Strict):
    """An export without parameters of its own."""


@dataclass(frozen=True)
class Order:
    """Input of a writer beside the sample.

    Attributes:
        params: the section `generate`. settings: the export's own, an instance of its `settings` model.
        shared: data that all samples of the folder share: the range of metres of 16-bit codes, or None.
    """

    params: Params
    settings: Any
    shared: Any = None


@dataclass(frozen=True)
class Show:
    """A picture that is drawn from the export's file of the first sample.

    Attributes:
        name: name of the picture. text: one sentence that describes it. draw: (the file's folder, the sample's
            name) to uint8 (h, w, 3).
    """

    name: str
    text: str
    draw: Callable[[Path, str], np.ndarray]


@dataclass(frozen=True)
class Export:
    """One file format.

    Attributes:
        title: its name in the report. products: the products that it can hold.
        files: ending to title of each file, `<sample><dot><ending>`; `obj` writes three.
        write: writes the files into a folder; returns facts for the sidecar, under the export's name, or {}.
        settings: the model of `generate.settings.<name>`, with all defaults.
        unfit: sample to the reason why this format cannot hold it, or None. note: remark for the report, or "".
        show: a picture of the first sample's file, or None.
    """

    title: str
    products: tuple[str, ...]
    files: Mapping[str, str]
    write: Callable[[Path, Any, Order], Facts]
    settings: type[Strict] = NoSettings
    unfit: Callable[[Any], str | None] = field(default=lambda sample: None)
    note: str = ""
    show: Show | None = None


EXPORTS: Records[Export] = Records("tasks.generate.exports", "EXPORT", "export")
find = EXPORTS.find


def unsuited(exports: list[str], product: str, maker: str) -> str | None:
    """The reason why one of the exports cannot hold a product, or None. `maker` names the maker of the product."""
    for name in exports:
        if product not in (suited := find(name).products):
            return f"{name} takes {' and '.join(suited)}, and {maker} makes {product}; leave it out"
    return None


def check(exports: list[str], product: str) -> None:
    """Raise `LandloomError` if an export cannot hold the model's product."""
    if reason := unsuited(exports, product, "this model"):
        raise LandloomError(f"generate.exports: {reason}")


def unfit(exports: list[str], sample: Sample) -> None:
    """Raise `LandloomError` if an export cannot hold this sample."""
    for name in exports:
        if reason := find(name).unfit(sample):
            raise LandloomError(f"{sample.name}: {reason}; leave {name} out of generate.exports")
