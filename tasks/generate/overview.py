"""The sheet of all terrains: previews side by side, each with its range in metres."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from tasks.generate.terrain.terrain import Terrain
from tasks.generate.write_sample import preview
from tasks.relief.shade.hillshade import shaded_relief

SHOWN = 64
STEPS = 8  # rows of the sheet of paintings at most


def overview(terrains: list[Terrain], count: int, classes: pd.DataFrame | None) -> Figure:
    """A figure of up to 64 of `count` terrains; paintings have a row each: drawing, texture, heights, terrain."""
    figure = _paintings(terrains[:STEPS], classes) if terrains[0].texture is not None else _previews(terrains)
    shown = min(len(terrains), STEPS) if terrains[0].texture is not None else len(terrains)
    gsd = terrains[0].gsd
    high, wide = (f"{side * gsd / 1000:.3g}" for side in terrains[0].height.shape)
    more = f", {shown} of {count}" if count > shown else ""
    figure.suptitle(f"Generated terrains, {wide} × {high} km, {gsd:g} m a pixel{more}", fontsize=10)
    return figure


def _previews(terrains: list[Terrain]) -> Figure:
    cols = min(len(terrains), 4 if len(terrains) <= 16 else 8)
    rows = math.ceil(len(terrains) / cols)
    figure = Figure(figsize=(2.3 * cols, 2.55 * rows + 0.5), layout="constrained")
    axes = figure.subplots(rows, cols, squeeze=False).ravel()
    for axis in axes:
        axis.set_axis_off()
    for axis, terrain in zip(axes, terrains, strict=False):
        axis.imshow(preview(terrain), interpolation="none")
        axis.set_title(f"{terrain.name}\n{_range(terrain)}", fontsize=8)
    return figure


def _paintings(terrains: list[Terrain], classes: pd.DataFrame) -> Figure:
    palette = np.full((256, 3), 255, np.uint8)
    palette[classes["id"]] = classes[["red", "green", "blue"]]
    shape = terrains[0].height.shape
    figure = Figure(figsize=(9.2, (2.2 * shape[0] / shape[1] + 0.25) * len(terrains) + 0.4), layout="constrained")
    for terrain, axes in zip(terrains, figure.subplots(len(terrains), 4, squeeze=False), strict=True):
        relief = shaded_relief(terrain.height, terrain.gsd, exaggeration=steepened(terrain))
        pictures = {
            f"{terrain.name}: drawing": palette[terrain.labels],
            "texture, flat": terrain.texture,
            _range(terrain): relief,
            "in the sun": terrain.shaded,
        }
        for axis, (title, picture) in zip(axes, pictures.items(), strict=True):
            axis.imshow(picture, interpolation="none")
            axis.set_title(title, fontsize=8)
            axis.set_axis_off()
    return figure


def steepened(terrain: Terrain) -> float:
    """Times the heights for relief to be seen: at kilometres a pixel even the Alps cast no shade to speak of."""
    rise = np.sqrt(np.mean([np.square(np.diff(terrain.height, axis=axis)).mean() for axis in (0, 1)])) / terrain.gsd
    return max(1.0, 0.3 / max(float(rise), 1e-6))


def _range(terrain: Terrain) -> str:
    return f"{terrain.height.min():,.0f} to {terrain.height.max():,.0f} m"
