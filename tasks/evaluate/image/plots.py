"""Plots of pictures: rows of pictures, nearest neighbours, colours and spectra."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from tasks.evaluate.image.descriptors import LUMA
from tasks.evaluate.plots import NOISE, REAL, band, broken, facing, model_color, mosaic


def tiles(sets: dict[str, np.ndarray], labels: Mapping[str, str], across: int = 8) -> Figure:
    """The first pictures of each set, one row a set."""
    return mosaic([list(pictures[:across]) for pictures in sets.values()], [broken(labels[name]) for name in sets])


def pairs(generated: np.ndarray, train: np.ndarray, distances: np.ndarray, threshold: float) -> Figure:
    """Generated pictures (upper row, in the matching pose) above their nearest training pictures."""
    return facing([list(generated), list(train)], distances, threshold)


def curves(sets: dict[str, np.ndarray], labels: Mapping[str, str]) -> Figure:
    """Lightness, saturation and spectra of sets of pictures, with their middle halves."""
    figure = Figure(figsize=(12, 4), layout="constrained")
    lightness, saturation, spectra = figure.subplots(1, 3)
    generated = [name for name in sets if name != "val" and not name.startswith("control_")]
    for name, pictures in sets.items():
        color = REAL if name == "val" else NOISE if name not in generated else model_color(generated.index(name))
        luma = pictures.astype(np.float64) @ LUMA
        _steps(lightness, luma, color, labels[name])
        _steps(saturation, pictures.max(axis=-1).astype(np.float64) - pictures.min(axis=-1), color, labels[name])
        frequency, power = _spectrum(luma)
        band(spectra, frequency, power, color, labels[name])
    lightness.set(xlabel="lightness, 0 to 255", ylabel="share of the pixels", title="Lightness")
    saturation.set(xlabel="largest less smallest of R, G, B", ylabel="share of the pixels", title="Saturation")
    spectra.set(xlabel="cycles a pixel", ylabel="power", xscale="log", yscale="log", title="Power spectrum")
    lightness.legend(fontsize=8)
    return figure


def _steps(axis, values: np.ndarray, color: str, text: str) -> None:
    edges = np.linspace(0, 256, 65)
    share = np.histogram(values, edges)[0] / values.size
    axis.step(edges[:-1], share, where="post", color=color, label=text)


def _spectrum(luma: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean power over rings of equal frequency: frequencies (F,) in cycles a pixel, and (N, F)."""
    side = luma.shape[1]
    power = np.abs(np.fft.fft2(luma - luma.mean(axis=(1, 2), keepdims=True))) ** 2 / side**2
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side)))
    ring = np.rint(frequency * side).astype(int)
    rings = np.arange(1, side // 2)
    return rings / side, np.stack([power[:, ring == number].mean(axis=1) for number in rings], axis=1) + 1e-3
