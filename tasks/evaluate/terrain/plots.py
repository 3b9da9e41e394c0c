"""Plots of terrain: hypsometry, slopes and spectra, tiles in one range of tints, nearest neighbours."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

from tasks.evaluate.plots import NOISE, REAL, band, broken, facing, model_color, mosaic
from tasks.relief.shade.hillshade import shaded_relief
from tasks.relief.shade.slope import slope_degrees
from tasks.relief.spectrum import radial_power


def curves(sets: dict[str, np.ndarray], labels: Mapping[str, str], gsd: float) -> Figure:
    """Hypsometric curves, slopes and spectra of sets of tiles, (N, S, S) metres each, with their middle halves."""
    figure = Figure(figsize=(12, 4), layout="constrained")
    hypsometry, slopes, spectra = figure.subplots(1, 3)
    generated = [name for name in sets if name != "val" and not name.startswith("control_")]
    for name, heights in sets.items():
        color = REAL if name == "val" else NOISE if name not in generated else model_color(generated.index(name))
        flat = np.sort(heights.reshape(len(heights), -1), axis=1).astype(np.float64)
        low, high = flat[:, :1], flat[:, -1:]
        above = 1 - (np.arange(flat.shape[1]) + 0.5) / flat.shape[1]
        band(hypsometry, above, (flat - low) / np.maximum(high - low, 1.0), color, labels[name])
        slope = slope_degrees(heights, gsd).ravel()
        edges = np.linspace(0, 60, 61)
        share = np.histogram(slope, edges)[0] / slope.size
        slopes.step(edges[:-1], np.maximum(share, 1e-6), where="post", color=color, label=labels[name])
        frequency, power = radial_power(heights, gsd)
        band(spectra, 1000 * frequency, power, color, labels[name])
    hypsometry.set(xlabel="share of the area that lies higher", ylabel="height over relief", title="Hypsometry")
    slopes.set(xlabel="slope, degrees", ylabel="share of the ground", yscale="log", title="Slope", ylim=(1e-5, 1))
    spectra.set(xlabel="cycles a kilometre", ylabel="m² m²", xscale="log", yscale="log", title="Power spectrum")
    spectra.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    spectra.xaxis.set_major_formatter(ScalarFormatter())
    spectra.xaxis.set_minor_formatter(NullFormatter())
    hypsometry.legend(fontsize=8)
    return figure


def tiles(sets: dict[str, np.ndarray], labels: Mapping[str, str], gsd: float, across: int = 8) -> Figure:
    """The first tiles of each set, one row a set. All tiles use one range of metres for colours."""
    low, high = (float(value) for value in np.quantile(sets["val"], (0.005, 0.995)))
    rows = [[shaded_relief(height, gsd, low, high) for height in heights[:across]] for heights in sets.values()]
    figure = mosaic(rows, [broken(labels[name]) for name in sets])
    figure.suptitle(f"Tints from {low:,.0f} to {high:,.0f} m in every picture", fontsize=9)
    return figure


def pairs(generated: np.ndarray, train: np.ndarray, distances: np.ndarray, threshold: float, gsd: float) -> Figure:
    """Generated tiles (upper row, in the matching pose) above their nearest training tiles."""
    rows: list[list[np.ndarray]] = [[], []]
    for own, other in zip(generated, train, strict=True):
        # Each pair has its own range of colours, because the plot shows similarity, not height.
        span = float(np.abs(other - other.mean()).max()) + 1
        for row, height in zip(rows, (own, other), strict=True):
            row.append(shaded_relief(height - height.mean(), gsd, -span, span))
    return facing(rows, distances, threshold)
