"""Terrains sampled from noise; a drawing of the model's classes can steer them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from tasks.core.errors import LandloomError
from tasks.generate.contact_sheet import previews
from tasks.generate.params import Params
from tasks.generate.product import Facts, Product
from tasks.generate.terrain.terrain import Terrain, metric_title, relief_figures, share_range

BATCH = 64  # terrains per batch; the batch does not change a sample


def _check(model: Any, folder: Path) -> None:
    if model.gsd is None:
        raise LandloomError(
            f"{folder}: the model knows no GSD, and heights without a scale on the ground are no terrain"
        )


def _make(model: Any, folder: Path, name: str, params: Params, origin: Facts) -> Iterator[Terrain]:
    for start in range(0, params.count, BATCH):
        indices = range(start, min(start + BATCH, params.count))
        try:
            heights = model.sample(indices, seed=params.seed, steps=params.steps)
        except ValueError as error:
            raise LandloomError(f"generate.steps: {params.steps}: {error}") from None
        for index, height in zip(indices, heights, strict=True):
            facts = {**origin, "seed": params.seed, "index": index, "steps": params.steps}
            yield Terrain(f"{name}_{index:03d}", height, float(model.gsd), facts)


def _draw(model: Any, labels: np.ndarray, params: Params, seed: int, name: str, facts: Facts) -> Terrain:
    if labels.shape != (model.px, model.px):
        raise LandloomError(
            f"{name}: the drawing has {labels.shape[1]} × {labels.shape[0]} pixels, "
            f"and this model takes {model.px} × {model.px} alone"
        )
    try:
        height = model.sample([0], seed=seed, steps=params.steps, conditions={"labels": labels[None]})[0]
    except ValueError as error:
        raise LandloomError(f"{name}: {error}") from None
    facts = {**facts, "seed": seed, "index": 0, "steps": params.steps}
    classes = pd.DataFrame(model.config["classes"])
    return Terrain(name, height, float(model.gsd), facts, labels=labels, classes=classes)


def _sheet(terrains: list[Terrain], count: int) -> Figure:
    figure = previews(terrains, [terrain.range for terrain in terrains])
    figure.suptitle(metric_title(terrains, len(terrains), count), fontsize=10)
    return figure


PRODUCT = Product(
    title="Generated terrains",
    noun="terrains",
    check=_check,
    make=_make,
    sheet=_sheet,
    figures=relief_figures,
    shared=share_range,
    draw=_draw,
)
