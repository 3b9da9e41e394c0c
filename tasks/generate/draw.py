"""A person's own drawing, painted outside the pipeline: no stage, no run, nothing that DVC tracks."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from models.core.artifact import Generator
from models.terrain_gan.painter import Painter
from tasks.core.errors import LandloomError
from tasks.core.hashing import dvc_md5, file_sha256
from tasks.core.settings import ROOT, load, validate
from tasks.formats.tables.classes import NO_CLASS
from tasks.formats.tables.drawing import Drawing, read_drawing
from tasks.generate.drawing_palette import write_palette
from tasks.generate.folders import fill
from tasks.generate.overview import overview
from tasks.generate.params import Params
from tasks.generate.source import classes_of, open_model, padding, paint
from tasks.generate.terrain.glb import read_glb
from tasks.generate.terrain.render import render
from tasks.generate.write_sample import write_sample

PLACE = "drawings"


def paint_drawing(dataset: str, drawing: Path, out: Path | None, seed: int | None, root: Path = ROOT) -> Path:
    """Paint a PNG with the dataset's model into a folder of all exports; return the folder.

    Args:
        out: the folder; `drawings/<name of the PNG>` where None. seed: that of the parameters where None.

    Raises:
        LandloomError: the drawing, the model or the parameters cannot be used; nothing is written then.
    """
    params, folder = _params(dataset, root), root / "data" / dataset / "model"
    model, classes = _with_classes(folder)
    read = read_drawing(drawing, classes)
    _say(dataset, drawing, read, model)
    facts = {
        "dataset": dataset,
        "model_md5": dvc_md5(folder),
        "drawing": drawing.name,
        "drawing_sha256": file_sha256(drawing),
        "changed_pixels": read.changed,
    }
    # Names with spaces break OBJ's references to its material in many readers.
    name = re.sub(r"[^\w.-]+", "_", drawing.stem)
    terrain = paint(model, read.labels, params, params.seed if seed is None else seed, name, facts)

    def write(target: Path) -> None:
        write_sample(target, terrain, params, None, classes)
        if terrain.texture is not None:
            sheet = overview([terrain], 1, classes)
            sheet.savefig(target / "overview.png", dpi=110, metadata={"Software": None})
        if "glb" in params.exports:
            Image.fromarray(render(read_glb(target / f"{terrain.name}.glb"))).save(target / "preview3d.png")

    return fill(out or root / PLACE / name, write)


def give_palette(dataset: str, out: Path | None, root: Path = ROOT) -> Path:
    """Write the classes' colours and a blank drawing into a folder; return it."""
    _params(dataset, root)
    model, classes = _with_classes(root / "data" / dataset / "model")
    title = f"Landloom {dataset}"
    return fill(
        out or root / PLACE / f"palette-{dataset}", lambda target: write_palette(target, classes, model.px, title)
    )


def _params(dataset: str, root: Path) -> Params:
    settings = load(root)
    if dataset not in settings.datasets:
        raise LandloomError(f"params.yaml: there is no dataset {dataset!r}; there are {', '.join(settings.datasets)}")
    return validate(Params, settings.datasets[dataset]["generate"], f"datasets.{dataset}.generate")


def _with_classes(folder: Path) -> tuple[Generator | Painter, pd.DataFrame]:
    model = open_model(folder)
    classes = classes_of(model)
    if classes is None:
        method = model.config["method"]
        raise LandloomError(f"{folder}: this {method} model was trained without classes, and takes no drawing")
    return model, classes


def _say(dataset: str, path: Path, drawing: Drawing, model: Generator | Painter) -> None:
    rows, cols = drawing.labels.shape
    print(f"[generate@{dataset}] {path}: {cols} × {rows} pixels, {drawing.changed:,} changed to the nearest class")
    none = int(np.count_nonzero(drawing.labels == NO_CLASS))
    if none:
        print(f"[generate@{dataset}] {none:,} pixels have no class: the model makes up what lies there")
    if isinstance(model, Painter):
        south, east = (after for _, after in padding(drawing.labels.shape, model.stride))
        if south or east:
            print(
                f"[generate@{dataset}] sides are no multiples of {model.stride}: painted with {east} columns and "
                f"{south} rows more, repeated from the edge, and cut back to {cols} × {rows}"
            )
