"""A mosaic beside plain samples laid side by side: the change across the lines where parts meet, and the speed.

It needs a trained model: `data/aerial/model`, or `LANDLOOM_MODEL=<folder>` for another model of `stylegan2`.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np

from models.core.artifact import load_model
from tasks.core.settings import ROOT
from tasks.generate.explore.mosaic import bands
from tasks.generate.explore.seams import seams

MODEL = Path(os.environ.get("LANDLOOM_MODEL", ROOT / "data/aerial/model"))
PICTURES, SEED, TRUNCATION, PLACES, PATCH = (8, 16), 7, 0.7, 4, 2  # height and width of the mosaic, in pictures
TOY = {"PICTURES": (2, 3)}


def run() -> list[tuple[str, str, str]]:
    """Rows of the table."""
    if not (MODEL / "config.json").is_file():
        return [("mosaic", f"not measured: there is no model in {MODEL}", "")]
    space = load_model(MODEL, "cpu").latent
    plane = space.plane(SEED, TRUNCATION, PLACES, PATCH)
    height, width = (number * space.px for number in PICTURES)
    plane.window(9, 9)
    begin = time.perf_counter()
    mosaic = np.concatenate(list(bands(plane, width, height)))
    seconds = time.perf_counter() - begin
    apart = np.concatenate(list(bands(space.plane(SEED, TRUNCATION, PLACES // 2, PATCH), width, height)))
    change = np.abs(mosaic.astype(int) - apart)
    tiles = np.concatenate(
        [
            np.concatenate([plane.alone(2 * row, 2 * col) for col in range(PICTURES[1])], axis=1)
            for row in range(PICTURES[0])
        ]
    )
    what = f"{width} × {height} px, pictures of {space.px}"
    rows = []
    for name, picture, period in (("mosaic", mosaic, plane.place), ("plain samples side by side", tiles, space.px)):
        across, inside = seams(picture, period)
        shown = f"{across / max(inside, 1e-9):.2f} × ({across:.2f} and {inside:.2f} of 255)"
        rows.append((f"{name}: change across the lines where parts meet, of that elsewhere ({what})", shown, ""))
    for name, picture, period in (("mosaic", mosaic, plane.place), ("plain samples side by side", tiles, space.px)):
        share, chance = repeated(picture, period)
        rows.append(
            (f"{name}: part of the variance that repeats with the parts", f"{share:.2%} (by chance {chance:.2%})", "")
        )
    rows.append(("mosaic: contrast beside that of plain samples", f"{mosaic.std() / max(tiles.std(), 1e-9):.2f} ×", ""))
    rows.append(
        (
            "mosaic: values that differ in windows of half the side",
            f"{(change > 0).sum()} of {mosaic.size:,}, by {change.max()} of 255",
            "≤ 1 of 255",
        )
    )
    rows.append(("mosaic: seconds a megapixel", f"{seconds / (width * height / 1e6):.1f}", ""))
    return rows


def repeated(picture: np.ndarray, period: int) -> tuple[float, float]:
    """Share of the variance of a picture that the mean of its parts holds, and that of parts without a common shape."""
    rows, cols = (side // period for side in picture.shape[:2])
    values = picture[: rows * period, : cols * period].astype(np.float64)
    parts = (
        values.reshape(rows, period, cols, period, 3).transpose(0, 2, 1, 3, 4).reshape(rows * cols, period, period, 3)
    )
    inside = parts - parts.mean(axis=(1, 2), keepdims=True)
    return float(inside.mean(axis=0).var() / inside.var()), 1 / (rows * cols)
