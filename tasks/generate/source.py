"""Terrains out of a trained model, one by one: from noise alone, or painted from drawings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from models.core.artifact import Generator, load_model
from models.terrain_gan.painter import Painter
from tasks.core.errors import LandloomError
from tasks.formats.tables.drawing import read_drawing
from tasks.generate.params import Params
from tasks.generate.terrain.terrain import Terrain

BATCH = 64  # terrains sampled at a time; a sample is the same whatever its company


def open_model(folder: Path) -> Generator | Painter:
    """The model of `folder`; LandloomError where it is none, or knows no ground distance."""
    try:
        model = load_model(folder)
    except ValueError as error:
        raise LandloomError(f"{error}; run `dvc repro` to train it again") from None
    if model.gsd is None:
        raise LandloomError(
            f"{folder}: the model knows no GSD, and heights without a scale on the ground are no terrain"
        )
    return model


def classes_of(model: Generator | Painter) -> pd.DataFrame | None:
    """The classes that the model paints; None where it takes no drawing."""
    classes = model.config.get("classes")
    return pd.DataFrame(classes) if classes else None


def terrains(model: Generator | Painter, folder: Path, name: str, params: Params, origin: dict[str, Any]) -> Iterator:
    """Yield `params.count` terrains: of a painter, from the drawings kept with the model, in turn.

    Terrain i depends on the model, the seed and i alone.
    """
    if isinstance(model, Painter):
        yield from _painted(model, folder, name, params, origin)
        return
    for start in range(0, params.count, BATCH):
        indices = range(start, min(start + BATCH, params.count))
        try:
            heights = model.sample(indices, seed=params.seed, steps=params.steps)
        except ValueError as error:
            raise LandloomError(f"generate.steps: {params.steps}: {error}") from None
        for index, height in zip(indices, heights, strict=True):
            facts = {**origin, "seed": params.seed, "index": index, "steps": params.steps}
            yield Terrain(f"{name}_{index:03d}", height, float(model.gsd), facts)


def _painted(model: Painter, folder: Path, name: str, params: Params, origin: dict[str, Any]) -> Iterator[Terrain]:
    drawings, classes = sorted((folder / "drawings").glob("*.png")), classes_of(model)
    if not drawings:
        raise LandloomError(f"{folder}/drawings: no drawing to paint; run `dvc repro` to train the model again")
    for index in range(params.count):
        path = drawings[index % len(drawings)]
        labels = read_drawing(path, classes).labels
        facts = {**origin, "index": index, "drawing": path.name}
        # A drawing that comes again, or another of the same shape, is painted with other noise.
        yield paint(model, labels, params, params.seed + index, f"{name}_{index:03d}", facts)


def paint(
    model: Generator | Painter, labels: np.ndarray, params: Params, seed: int, name: str, facts: dict[str, Any]
) -> Terrain:
    """The terrain of one drawing, class ids uint8 (H, W); of any size if the model is a painter.

    Raises:
        LandloomError: the model takes no drawing, or none of this size.
    """
    facts = {**facts, "seed": seed}
    if isinstance(model, Painter):
        rows, cols = labels.shape
        whole = np.pad(labels, padding(labels.shape, model.stride), mode="edge")
        try:
            painted = model.paint(whole[None], seed=seed, noise=params.noise)
        except ValueError as error:
            raise LandloomError(f"{name}: {error}") from None
        texture, shaded, height = (
            np.ascontiguousarray(part[0, :rows, :cols]) for part in (painted.texture, painted.shaded, painted.height)
        )
        facts |= {"steps": 1, "noise": params.noise}
        return Terrain(name, height, float(model.gsd), facts, texture, shaded, labels)
    if classes_of(model) is None:
        raise LandloomError(f"{name}: the model knows no classes and takes no drawing; train one with labels")
    if labels.shape != (model.px, model.px):
        raise LandloomError(
            f"{name}: the drawing has {labels.shape[1]} × {labels.shape[0]} pixels, "
            f"and this model takes {model.px} × {model.px} alone"
        )
    try:
        height = model.sample([0], seed=seed, steps=params.steps, labels=labels[None])[0]
    except ValueError as error:
        raise LandloomError(f"{name}: {error}") from None
    return Terrain(name, height, float(model.gsd), facts | {"index": 0, "steps": params.steps}, labels=labels)


def padding(shape: tuple[int, int], stride: int) -> list[tuple[int, int]]:
    """Rows to add in the south and columns in the east, so that both sides are multiples of `stride`."""
    return [(0, -side % stride) for side in shape]
