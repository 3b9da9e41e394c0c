"""Painting of a person's own drawing, outside the pipeline: no stage, no run, no files that DVC tracks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tasks.core.errors import LandloomError
from tasks.core.hashing import dvc_md5, file_sha256
from tasks.core.settings import ROOT, load, validate
from tasks.formats.tables.classes import NO_CLASS
from tasks.formats.tables.drawing import Drawing, read_drawing
from tasks.generate import export
from tasks.generate.drawing_palette import write_palette
from tasks.generate.folders import fill
from tasks.generate.params import Params
from tasks.generate.product import Product, open_model, product_of
from tasks.generate.write_sample import show_exports, write_sample

PLACE = "drawings"


def paint_drawing(dataset: str, drawing: Path, out: Path | None, seed: int | None, root: Path = ROOT) -> Path:
    """Paint a PNG with the dataset's model into a folder of all exports; return the folder.

    Args:
        out: the folder; None means `drawings/<name of the PNG>`. seed: None means the seed of the parameters.

    Raises:
        LandloomError: the drawing, the model or the parameters cannot be used; no files are written.
    """
    params, folder = _params(dataset, root), root / "data" / dataset / "model"
    model, product, classes = _with_classes(folder)
    export.check(params.exports, product_of(model))
    read = read_drawing(drawing, classes)
    _say(dataset, drawing, read)
    facts = {
        "dataset": dataset,
        "model_md5": dvc_md5(folder),
        "drawing": shown(Path(drawing.name)),
        "drawing_sha256": file_sha256(drawing),
        "changed_pixels": read.changed,
    }
    name = name_of(drawing)
    sample = product.draw(model, read.labels, params, params.seed if seed is None else seed, name, facts)

    def write(target: Path) -> None:
        write_sample(target, sample, params)
        sheet = product.sheet([sample], 1)
        sheet.savefig(target / "overview.png", dpi=110, metadata={"Software": None})
        show_exports(target, sample.name, params)

    return fill(out or root / PLACE / name, write)


def name_of(drawing: Path) -> str:
    """Return a drawing's name as one that every shell, disk and reader of meshes takes.

    In many readers, an OBJ whose name has spaces does not find its material. A name of dots is no folder of its own, a
    leading dash is an option, and the files of the samples add up to 40 bytes to a name.
    """
    name = re.sub(r"[^\w.-]+", "_", drawing.stem).strip("._-")
    while len(name.encode()) > 150:
        name = name[:-1]
    return name or "drawing"


def shown(path: Path) -> str:
    """A path as text, also where its bytes are no UTF-8."""
    return str(path).encode("utf-8", "backslashreplace").decode()


def give_palette(dataset: str, out: Path | None, root: Path = ROOT) -> Path:
    """Write the classes' colours and a blank drawing into a folder; return it."""
    _params(dataset, root)
    model, _, classes = _with_classes(root / "data" / dataset / "model")
    title = f"Landloom {dataset}"
    return fill(
        out or root / PLACE / f"palette-{dataset}", lambda target: write_palette(target, classes, model.px, title)
    )


def _params(dataset: str, root: Path) -> Params:
    settings = load(root)
    if dataset not in settings.datasets:
        raise LandloomError(f"params.yaml: there is no dataset {dataset!r}; there are {', '.join(settings.datasets)}")
    return validate(Params, settings.datasets[dataset]["generate"], f"datasets.{dataset}.generate")


def _with_classes(folder: Path) -> tuple[Any, Product, pd.DataFrame]:
    model, product = open_model(folder)
    classes = model.config.get("classes")
    if not classes or product.draw is None:
        method = model.config["method"]["name"]
        raise LandloomError(f"{folder}: this {method} model was trained without classes, and takes no drawing")
    return model, product, pd.DataFrame(classes)


def _say(dataset: str, path: Path, drawing: Drawing) -> None:
    rows, cols = drawing.labels.shape
    changed = f"{drawing.changed:,} changed to the nearest class"
    print(f"[generate@{dataset}] {shown(path)}: {cols} × {rows} pixels, {changed}")
    none = int(np.count_nonzero(drawing.labels == NO_CLASS))
    if none:
        print(f"[generate@{dataset}] {none:,} pixels have no class: the model makes up what lies there")
