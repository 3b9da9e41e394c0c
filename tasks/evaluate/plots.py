"""Pictures of an evaluation: distances, descriptors, curves, tiles beside tiles, nearest neighbours."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

from tasks.relief.shade.hillshade import shaded_relief
from tasks.relief.shade.slope import slope_degrees
from tasks.relief.spectrum import radial_power

REAL, NOISE, MODELS = "#3f6f4a", "#8a8f98", ("#c0562c", "#2f6ea8", "#8c4fa3", "#b08a1e", "#2c8c83")
LABELS = {
    "val": "held out",
    "train": "training",
    "floor_halves": "floor: held-out halves",
    "floor_train": "floor: training tiles",
    "control_noise": "control: fractal noise",
    "control_noise_tile": "control: noise, tile by tile",
    "control_blur": "control: blur",
    "control_blocks": "control: shuffled blocks",
    "control_shuffle": "control: shuffled pixels",
}


def label(name: str) -> str:
    """What a set is called in pictures."""
    if name.startswith("steps"):
        count = name.removeprefix("steps")
        return f"generated, {count} step{'' if count == '1' else 's'}"
    return LABELS.get(name, name)


def distances(sets: dict[str, Any], size: int) -> Figure:
    """Bars of the sliced Wasserstein distance of every set to held-out tiles, on a logarithmic axis."""
    order = sorted(sets, key=lambda name: sets[name]["swd"]["mean"])
    models = [name for name in sets if not name.startswith(("floor_", "control_"))]
    figure = Figure(figsize=(8.5, 0.45 * len(order) + 1.6), layout="constrained")
    axis = figure.subplots()
    for y, name in enumerate(order):
        value = sets[name]["swd"]
        color = _model_color(models.index(name)) if name in models else REAL if name.startswith("floor_") else NOISE
        axis.barh(y, value["mean"], color=color, height=0.7)
        axis.plot([value["low"], value["high"]], [y, y], color="black", linewidth=1.2, marker="|", markersize=7)
        text = f"{value['mean']:.3f}  ({value['low']:.3f} to {value['high']:.3f})"
        axis.annotate(text, (value["high"], y), (6, 0), "data", "offset points", va="center", fontsize=8)
    axis.set_yticks(range(len(order)), [label(name) for name in order])
    axis.invert_yaxis()
    axis.set_xscale("log")
    low, high = min(sets[name]["swd"]["low"] for name in order), max(sets[name]["swd"]["high"] for name in order)
    axis.set_xlim(low / 1.5, high * (high / low) ** 0.4)  # room for the numbers beside the bars
    axis.set_xlabel("sliced Wasserstein distance to held-out tiles; smaller is closer")
    axis.set_title(f"{size} tiles against {size}; lines hold 95 % of the draws", fontsize=9)
    return figure


def descriptors(sets: dict[str, Any], names: list[str]) -> Figure:
    """Which descriptor is how far off in which set: 1-D Wasserstein distances as a coloured table."""
    table = np.array([[values["w1_by_descriptor"][name] for values in sets.values()] for name in names])
    figure = Figure(figsize=(1.6 + 0.75 * table.shape[1] + 1.5, 0.19 * len(names) + 2.2), layout="constrained")
    axis = figure.subplots()
    image = axis.imshow(table, norm=LogNorm(0.05, 5, clip=True), cmap="magma_r", aspect="auto", interpolation="none")
    axis.set_yticks(range(len(names)), names, fontsize=7)
    axis.set_xticks(range(table.shape[1]), [label(name) for name in sets], rotation=40, ha="left", fontsize=8)
    axis.xaxis.tick_top()
    for row, column in np.ndindex(*table.shape):
        value = table[row, column]
        color = "white" if value > 0.8 else "black"
        text = axis.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=5.5, color=color)
        text.set_in_layout(False)  # measuring hundreds of numbers that lie inside anyway takes seconds
    figure.colorbar(image, ax=axis, shrink=0.5, label="1-D Wasserstein distance, in scales of the training tiles")
    return figure


def curves(sets: dict[str, np.ndarray], gsd: float) -> Figure:
    """Hypsometric curves, slopes and spectra of sets of tiles, (N, S, S) metres each, with their middle halves."""
    figure = Figure(figsize=(12, 4), layout="constrained")
    hypsometry, slopes, spectra = figure.subplots(1, 3)
    generated = [name for name in sets if name != "val" and not name.startswith("control_")]
    for name, heights in sets.items():
        color = REAL if name == "val" else NOISE if name not in generated else _model_color(generated.index(name))
        flat = np.sort(heights.reshape(len(heights), -1), axis=1).astype(np.float64)
        low, high = flat[:, :1], flat[:, -1:]
        above = 1 - (np.arange(flat.shape[1]) + 0.5) / flat.shape[1]
        _band(hypsometry, above, (flat - low) / np.maximum(high - low, 1.0), color, label(name))
        slope = slope_degrees(heights, gsd).ravel()
        edges = np.linspace(0, 60, 61)
        share = np.histogram(slope, edges)[0] / slope.size
        slopes.step(edges[:-1], np.maximum(share, 1e-6), where="post", color=color, label=label(name))
        frequency, power = radial_power(heights, gsd)
        _band(spectra, 1000 * frequency, power, color, label(name))
    hypsometry.set(xlabel="share of the area that lies higher", ylabel="height over relief", title="Hypsometry")
    slopes.set(xlabel="slope, degrees", ylabel="share of the ground", yscale="log", title="Slope", ylim=(1e-5, 1))
    spectra.set(xlabel="cycles a kilometre", ylabel="m² m²", xscale="log", yscale="log", title="Power spectrum")
    spectra.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    spectra.xaxis.set_major_formatter(ScalarFormatter())
    spectra.xaxis.set_minor_formatter(NullFormatter())
    hypsometry.legend(fontsize=8)
    return figure


def tiles(sets: dict[str, np.ndarray], gsd: float, across: int = 8) -> Figure:
    """The first tiles of each set, one row a set; one range of metres colours them all."""
    low, high = (float(value) for value in np.quantile(sets["val"], (0.005, 0.995)))
    rows = [[shaded_relief(height, gsd, low, high) for height in heights[:across]] for heights in sets.values()]
    figure = _mosaic(rows, [label(name).replace(": ", ":\n").replace(", ", ",\n") for name in sets])
    figure.suptitle(f"Tints from {low:,.0f} to {high:,.0f} m in every picture", fontsize=9)
    return figure


def pairs(generated: np.ndarray, train: np.ndarray, distances: np.ndarray, gsd: float, threshold: float) -> Figure:
    """Generated tiles (upper row, turned as they match) over their nearest training tiles."""
    rows: list[list[np.ndarray]] = [[], []]
    for own, other in zip(generated, train, strict=True):
        # Each pair by its own range: what matters is whether the two are alike, whatever their height.
        span = float(np.abs(other - other.mean()).max()) + 1
        for row, height in zip(rows, (own, other), strict=True):
            row.append(shaded_relief(height - height.mean(), gsd, -span, span))
    figure = _mosaic(rows, ["generated", "nearest in\ntraining"], [f"{distance:.3f}" for distance in distances])
    figure.suptitle(f"Distance 0 is a copy, 1 unrelated; below {threshold:.3f} is suspicious", fontsize=9)
    return figure


def _mosaic(rows: list[list[np.ndarray]], names: list[str], heads: list[str] | None = None) -> Figure:
    """Pictures of one size in rows, with a name before each row; one image is drawn ten times as fast as many."""
    px, gap = rows[0][0].shape[0], max(1, rows[0][0].shape[0] // 16)
    step, across = px + gap, max(len(row) for row in rows)
    sheet = np.full((len(rows) * step - gap, across * step - gap, 3), 255, np.uint8)
    for (y, x), picture in (((y, x), picture) for y, row in enumerate(rows) for x, picture in enumerate(row)):
        sheet[y * step : y * step + px, x * step : x * step + px] = picture
    scale = max(1, 128 // px)  # whole multiples: no pixel is smeared over another
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


def _model_color(index: int) -> str:
    return MODELS[index % len(MODELS)]


def _band(axis: Axes, x: np.ndarray, rows: np.ndarray, color: str, text: str) -> None:
    low, middle, high = np.quantile(rows, (0.25, 0.5, 0.75), axis=0)
    axis.fill_between(x, low, high, color=color, alpha=0.18, linewidth=0)
    axis.plot(x, middle, color=color, label=text)
