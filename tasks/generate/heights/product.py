"""Terrains sampled from noise, and from what steers them: words, drawings, other terrains."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from tasks.core.errors import LandloomError
from tasks.generate.contact_sheet import previews
from tasks.generate.params import Params
from tasks.generate.product import Facts, Product
from tasks.generate.steering.rows import Row
from tasks.generate.steering.words import unknown
from tasks.generate.terrain.drain import drain
from tasks.generate.terrain.terrain import Terrain, metric_title, relief_figures, share_range

BATCH = 64  # terrains per batch; the batch does not change a sample


def _check(model: Any, folder: Path) -> None:
    if model.gsd is None:
        raise LandloomError(
            f"{folder}: the model knows no GSD, and heights without a scale on the ground are no terrain"
        )


def _make(model: Any, folder: Path, name: str, params: Params, origin: Facts) -> Iterator[Terrain]:
    prompts = [" ".join(prompt.split()) for prompt in params.prompts]
    if prompts and "text" not in model.conditions:
        raise LandloomError(f"generate.prompts: {folder} was trained without words; leave the prompts out")
    for start in range(0, params.count, BATCH):
        indices = range(start, min(start + BATCH, params.count))
        texts = [prompts[index % len(prompts)] for index in indices] if prompts else []
        given = {"text": np.array(texts, object)} if prompts else {}
        made = _sample(model, indices, params.seed, params, given, params.guidance, "generate")
        for place, (index, (height, near)) in enumerate(zip(indices, made, strict=True)):
            facts = {**origin, "seed": params.seed, "index": index, "steps": params.steps, **near}
            if prompts:
                text = texts[place]
                said = {"text": text, "unknown_words": ", ".join(unknown(model, text)), "guidance": params.guidance}
                facts |= said
            yield Terrain(f"{name}_{index:03d}", height, float(model.gsd), facts)


def _steer(model: Any, row: Row, params: Params, origin: Facts) -> list[Terrain]:
    labels = row.conditions.get("labels")
    if labels is not None and labels.shape != (model.px, model.px):
        raise LandloomError(
            f"{row.names[0]}: the drawing has {labels.shape[1]} × {labels.shape[0]} pixels, "
            f"and this model takes {model.px} × {model.px} alone"
        )
    terrains = []
    for start in range(0, len(row.names), BATCH):
        indices = range(start, min(start + BATCH, len(row.names)))
        given = {
            name: np.array([value] * len(indices), object if isinstance(value, str) else value.dtype)
            for name, value in row.conditions.items()
        }
        made = _sample(model, indices, row.seed, params, given, row.guidance, row.names[0])
        for index, (height, near) in zip(indices, made, strict=True):
            facts = {**origin, **row.facts, "seed": row.seed, "index": index, "steps": params.steps, **near}
            terrains.append(
                Terrain(row.names[index], height, float(model.gsd), facts, place=row.place, given=row.layers)
            )
    return terrains


def _sample(
    model: Any,
    indices: range,
    seed: int,
    params: Params,
    given: dict[str, np.ndarray],
    guidance: float,
    what: str,
) -> list[tuple[np.ndarray, Facts]]:
    """Heights of each sample, and the caption of a train tile that it got if the person asked for nothing."""
    if params.steps not in model.evaluations:
        takes = " or ".join(map(str, model.evaluations))
        raise LandloomError(f"generate.steps: {params.steps}: this model takes {takes} network evaluations")
    try:
        heights = model.sample(indices, seed=seed, steps=params.steps, conditions=given or None, guidance=guidance)
    except ValueError as error:
        raise LandloomError(f"{what}: {error}") from None
    near = model.captions_near(indices, seed, given or None, guidance)
    facts = [{} if caption is None else {"caption_near": caption} for caption in near]
    return list(zip(heights, facts, strict=True))


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
    line=lambda terrain: terrain.range,
    refine=drain,
    steer=_steer,
)
