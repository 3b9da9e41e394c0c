"""Plots of an evaluation for every medium: distances, descriptors, tiles in rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from tasks.evaluate.account import Measure, TileSet

REAL, NOISE, MODELS = "#3f6f4a", "#8a8f98", ("#c0562c", "#2f6ea8", "#8c4fa3", "#b08a1e", "#2c8c83")


def distances(sets: dict[str, Any], size: int, named: Mapping[str, TileSet], measure: Measure) -> Figure:
    """Bars of the measured distance of every set to held-out tiles, on a logarithmic axis."""
    order = sorted(sets, key=lambda name: sets[name][measure.name]["mean"])
    models = [name for name in sets if named[name].kind == "generated"]
    figure = Figure(figsize=(8.5, 0.45 * len(order) + 1.6), layout="constrained")
    axis = figure.subplots()
    for y, name in enumerate(order):
        value = sets[name][measure.name]
        color = model_color(models.index(name)) if name in models else REAL if named[name].kind == "floor" else NOISE
        axis.barh(y, value["mean"], color=color, height=0.7)
        axis.plot([value["low"], value["high"]], [y, y], color="black", linewidth=1.2, marker="|", markersize=7)
        text = f"{value['mean']:.3f}  ({value['low']:.3f} to {value['high']:.3f})"
        axis.annotate(text, (value["high"], y), (6, 0), "data", "offset points", va="center", fontsize=8)
    axis.set_yticks(range(len(order)), [named[name].label for name in order])
    axis.invert_yaxis()
    axis.set_xscale("log")
    lows, highs = ([sets[name][measure.name][end] for name in order] for end in ("low", "high"))
    low, high = min(lows), max(highs)
    axis.set_xlim(low / 1.5, high * (high / low) ** 0.4)  # room for the numbers beside the bars
    # Labels as plain numbers and few: those of matplotlib's default, powers of ten at 2, 3, 4 and 6, overlap.
    decades = np.log10(axis.get_xlim()[1] / axis.get_xlim()[0])
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if decades < 3 else (1,), numticks=12))
    axis.xaxis.set_major_formatter("{x:g}")
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.set_xlabel(f"{measure.title} distance to held-out tiles; smaller is closer")
    axis.set_title(f"{size} tiles against {size}; lines hold 95 % of the draws", fontsize=9)
    return figure


def descriptors(sets: dict[str, Any], names: list[str], named: Mapping[str, TileSet]) -> Figure:
    """1-D Wasserstein distance of each descriptor in each set, as a coloured table."""
    table = np.array([[values["w1_by_descriptor"][name] for values in sets.values()] for name in names])
    figure = Figure(figsize=(1.6 + 0.75 * table.shape[1] + 1.5, 0.19 * len(names) + 2.2), layout="constrained")
    axis = figure.subplots()
    image = axis.imshow(table, norm=LogNorm(0.05, 5, clip=True), cmap="magma_r", aspect="auto", interpolation="none")
    axis.set_yticks(range(len(names)), names, fontsize=7)
    axis.set_xticks(range(table.shape[1]), [named[name].label for name in sets], rotation=40, ha="left", fontsize=8)
    axis.xaxis.tick_top()
    for row, column in np.ndindex(*table.shape):
        value = table[row, column]
        color = "white" if value > 0.8 else "black"
        text = axis.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=5.5, color=color)
        text.set_in_layout(False)  # these numbers lie inside the axes; measuring hundreds of them takes seconds
    figure.colorbar(image, ax=axis, shrink=0.5, label="1-D Wasserstein distance, in scales of the training tiles")
    return figure


def mosaic(rows: list[list[np.ndarray]], names: list[str], heads: list[str] | None = None) -> Figure:
    """Pictures uint8 (S, S, 3) in rows, with a name before each row. One joined image draws ten times faster."""
    px, gap = rows[0][0].shape[0], max(1, rows[0][0].shape[0] // 16)
    step, across = px + gap, max(len(row) for row in rows)
    sheet = np.full((len(rows) * step - gap, across * step - gap, 3), 255, np.uint8)
    for (y, x), picture in (((y, x), picture) for y, row in enumerate(rows) for x, picture in enumerate(row)):
        sheet[y * step : y * step + px, x * step : x * step + px] = picture
    scale = max(1, 128 // px)  # a whole multiple keeps pixels sharp
    figure = Figure(figsize=(1.35 * across + 1.7, 1.35 * len(rows) + 0.7), layout="constrained")
    axis = figure.subplots()
    axis.imshow(sheet.repeat(scale, axis=0).repeat(scale, axis=1), interpolation="antialiased")
    middle = scale * (np.arange(max(len(rows), across)) * step + px / 2)
    axis.set_yticks(middle[: len(rows)], names, fontsize=8)
    axis.set_xticks(middle[: len(heads or [])], heads or [], fontsize=8)
    axis.xaxis.tick_top()
    axis.tick_params(length=0)
    axis.set_frame_on(False)
    return figure


def model_color(index: int) -> str:
    """Colour of a generated set; different for each set until the colours run out."""
    return MODELS[index % len(MODELS)]


def band(axis: Axes, x: np.ndarray, rows: np.ndarray, color: str, text: str) -> None:
    """Draw the median of the rows over `x` as a line and the middle half as a band."""
    low, middle, high = np.quantile(rows, (0.25, 0.5, 0.75), axis=0)
    axis.fill_between(x, low, high, color=color, alpha=0.18, linewidth=0)
    axis.plot(x, middle, color=color, label=text)


def broken(text: str) -> str:
    """A label on several short lines."""
    return text.replace(": ", ":\n").replace(", ", ",\n")


def facing(rows: list[list[np.ndarray]], distances: np.ndarray, threshold: float) -> Figure:
    """Generated tiles (upper row) above their nearest training tiles, with the distance above each pair."""
    figure = mosaic(rows, ["generated", "nearest in\ntraining"], [f"{distance:.3f}" for distance in distances])
    figure.suptitle(f"Distance 0 is a copy, 1 unrelated; below {threshold:.3f} is suspicious", fontsize=9)
    return figure
