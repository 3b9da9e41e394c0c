"""Terrains painted from drawings: the model's stored drawings, or a person's own drawing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from tasks.core.errors import LandloomError
from tasks.formats.tables.drawing import read_drawing
from tasks.generate.params import Params
from tasks.generate.product import Facts, Product
from tasks.generate.steering.rows import Row
from tasks.generate.terrain.drain import drain
from tasks.generate.terrain.terrain import Terrain, metric_title, relief_figures, share_range
from tasks.relief.shade.hillshade import shaded_relief

ROWS = 8  # largest number of rows of the sheet


def _check(model: Any, folder: Path) -> None:
    if model.gsd is None:
        raise LandloomError(f"{folder}: the model knows no GSD, and slopes need metres in all directions")


def _make(model: Any, folder: Path, name: str, params: Params, origin: Facts) -> Iterator[Terrain]:
    drawings, classes = sorted((folder / "drawings").glob("*.png")), pd.DataFrame(model.config["classes"])
    if not drawings:
        raise LandloomError(f"{folder}/drawings: no drawing to paint; run `dvc repro` to train the model again")
    for index in range(params.count):
        path = drawings[index % len(drawings)]
        labels = read_drawing(path, classes).labels
        facts = {**origin, "index": index, "drawing": path.name}
        # Each painting has its own noise, also if a drawing or its shape comes again.
        yield _paint(model, labels, params, params.seed + index, f"{name}_{index:03d}", facts)


def _steer(model: Any, row: Row, params: Params, origin: Facts) -> list[Terrain]:
    if "labels" not in row.conditions:
        raise LandloomError(f"{row.names[0]}: this model paints drawings; give one with --labels")
    facts, labels = {**origin, **row.facts}, row.conditions["labels"]
    return [
        _paint(model, labels, params, row.seed + index, name, {**facts, "index": index})
        for index, name in enumerate(row.names)
    ]


def _paint(model: Any, labels: np.ndarray, params: Params, seed: int, name: str, facts: Facts) -> Terrain:
    rows, cols = labels.shape
    whole = np.pad(labels, padding(labels.shape, model.stride), mode="edge")
    if whole.shape != labels.shape:
        print(
            f"{name}: sides are no multiples of {model.stride}: painted with {whole.shape[1] - cols} columns and "
            f"{whole.shape[0] - rows} rows more, repeated from the edge, and cut back to {cols} × {rows}"
        )
    try:
        painted = model.paint(whole[None], seed=seed, noise=params.noise)
    except ValueError as error:
        raise LandloomError(f"{name}: {error}") from None
    texture, shaded, height = (
        np.ascontiguousarray(part[0, :rows, :cols]) for part in (painted.texture, painted.shaded, painted.height)
    )
    facts = {**facts, "seed": seed, "steps": 1, "noise": params.noise}
    classes = pd.DataFrame(model.config["classes"])
    return Terrain(name, height, float(model.gsd), facts, texture, shaded, labels, classes)


def padding(shape: tuple[int, ...], stride: int) -> list[tuple[int, int]]:
    """Rows to add in the south and columns in the east, so that both sides are multiples of `stride`."""
    return [(0, -side % stride) for side in shape]


def _sheet(terrains: list[Terrain], count: int) -> Figure:
    """A figure with a row for each painting: drawing, texture, heights, terrain in the sun."""
    terrains = terrains[:ROWS]
    classes = terrains[0].classes
    palette = np.full((256, 3), 255, np.uint8)
    palette[classes["id"]] = classes[["red", "green", "blue"]]
    shape = terrains[0].height.shape
    figure = Figure(figsize=(9.2, (2.2 * shape[0] / shape[1] + 0.25) * len(terrains) + 0.4), layout="constrained")
    for terrain, axes in zip(terrains, figure.subplots(len(terrains), 4, squeeze=False), strict=True):
        relief = shaded_relief(terrain.height, terrain.gsd, exaggeration=steepened(terrain))
        pictures = {
            f"{terrain.name}: drawing": palette[terrain.labels],
            "texture, flat": terrain.texture,
            terrain.range: relief,
            "in the sun": terrain.shaded,
        }
        for axis, (title, picture) in zip(axes, pictures.items(), strict=True):
            axis.imshow(picture, interpolation="none")
            axis.set_title(title, fontsize=8)
            axis.set_axis_off()
    figure.suptitle(metric_title(terrains, len(terrains), count), fontsize=10)
    return figure


def steepened(terrain: Terrain) -> float:
    """Factor on heights that makes relief visible. At kilometres a pixel even the Alps have no visible shade."""
    rise = np.sqrt(np.mean([np.square(np.diff(terrain.height, axis=axis)).mean() for axis in (0, 1)])) / terrain.gsd
    return max(1.0, 0.3 / max(float(rise), 1e-6))


PRODUCT = Product(
    title="Generated terrains",
    noun="terrains",
    check=_check,
    make=_make,
    sheet=_sheet,
    figures=relief_figures,
    shared=share_range,
    line=lambda terrain: terrain.range,
    refine=drain,
    steer=_steer,
)
