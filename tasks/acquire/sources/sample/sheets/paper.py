"""Paper and its years, and the scanner under it."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter

from tasks.acquire.sources.sample.ground.noise import fractal, grid_noise, ramp, uniform
from tasks.acquire.sources.sample.sheets.styles import Color


def paper(
    shape: tuple[int, int], colors: tuple[Color, Color], age: float, rng: np.random.Generator, seed: int
) -> np.ndarray:
    """Blank paper, float32 (H, W, 3). `age` from 0 to 1 darkens its edges and brings stains and folds."""
    tone = np.clip(0.5 + 0.45 * fractal(shape, 300, 5, seed) + 0.25 * (age - 0.5), 0, 1)
    fibre = 1 + 0.012 * fractal(shape, 6, 3, seed + 1, 0.8) + 0.01 * grid_noise(shape, 1, seed + 2)
    down, across = np.linspace(-1, 1, shape[0])[:, None], np.linspace(-1, 1, shape[1])[None, :]
    edge = np.maximum(np.abs(down), np.abs(across)) + 0.03 * fractal(shape, 90, 3, seed + 3)
    tone = np.clip(tone + age * 0.8 * ramp(0.9, 1.02, edge), 0, 1.3)
    light, dark = (np.array(color, np.float32) for color in colors)
    sheet = (light + (dark - light) * tone[..., None]) * fibre[..., None]
    stain = np.ones(shape, np.float32)
    for _ in range(int(rng.integers(0, 3)) if age > 0.4 else 0):
        _stain(stain, rng, seed)
    for _ in range(int(age * rng.integers(0, 40))):
        _speck(stain, rng)
    sheet *= 1 - (1 - stain[..., None]) * np.array([0.55, 0.8, 1.1], np.float32)
    if age > 0.3 and rng.random() < 0.6:
        _fold(sheet, int(rng.integers(1, 4)), int(rng.integers(0, 3)), rng)
    return sheet


def _stain(stain: np.ndarray, rng: np.random.Generator, seed: int) -> None:
    """A dried drop: paler inside than at its rim."""
    rows, cols = stain.shape
    reach = float(rng.uniform(0.05, 0.16)) * min(rows, cols)
    col, row = rng.uniform(0, cols), rng.uniform(0, rows)
    y, x = np.ogrid[:rows, :cols]
    away = np.sqrt((x - col) ** 2 + (y - row) ** 2) / reach + 0.22 * fractal((rows, cols), 60, 3, seed + int(col))
    stain *= 1 - 0.09 * ramp(1.0, 0.9, away) - 0.13 * ramp(0.84, 0.97, away) * ramp(1.03, 0.98, away)


def _speck(stain: np.ndarray, rng: np.random.Generator) -> None:
    """A brown spot of damp (foxing)."""
    rows, cols = stain.shape
    radius = float(rng.uniform(1, 5))
    col, row = rng.uniform(9, cols - 9), rng.uniform(9, rows - 9)
    top, left = int(row) - 9, int(col) - 9
    y, x = np.mgrid[top : top + 18, left : left + 18]
    spot = 1 - 0.28 * rng.random() * ramp(1.0, 0.2, np.sqrt((x - col) ** 2 + (y - row) ** 2) / radius)
    part = stain[top : top + 18, left : left + 18]
    part *= spot[: part.shape[0], : part.shape[1]]


def _fold(sheet: np.ndarray, across: int, down: int, rng: np.random.Generator) -> None:
    """Creases: a dark line with a light one beside it, and a slight change of light at each."""
    rows, cols = sheet.shape[:2]
    for number in range(1, across + 1):
        at = int(cols * number / (across + 1))
        sheet[:, at] *= 0.86
        sheet[:, at + 1] *= 1.04
        sheet[:, at + 2 : at + 22] *= np.linspace(0.965, 1, 20, dtype=np.float32)[None, :, None]
    for number in range(1, down + 1):
        at = int(rows * number / (down + 1))
        sheet[at] *= 0.87
        sheet[at + 1] *= 1.04
        sheet[at + 2 : at + 22] *= np.linspace(0.968, 1, 20, dtype=np.float32)[:, None, None]


def scan(sheet: np.ndarray, border: str, degrees: float, rng: np.random.Generator, seed: int) -> np.ndarray:
    """The sheet on the glass of a scanner, uint8 (H, W, 3): blurred by the lens, with the lid around it.

    Args:
        sheet: uint8 (h, w, 3). border: `black`, `grey`, `white`, or `none` where the scan was cropped to the paper.
    """
    image = Image.fromarray(sheet).filter(ImageFilter.GaussianBlur(0.45))
    if border != "none":
        pad = int(rng.uniform(0.02, 0.06) * max(image.size))
        lid = {"black": (16, 15, 17), "grey": (118, 118, 116), "white": (246, 246, 244)}[border]
        mask = Image.new("L", image.size, 255)
        turned, shape = (
            part.rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=fill)
            for part, fill in ((image, lid), (mask, 0))
        )
        left, top, right, bottom = (int(rng.uniform(0.4, 1.6) * pad) for _ in range(4))
        glass = Image.new("RGB", (turned.width + left + right, turned.height + top + bottom), lid)
        shadow = Image.new("L", glass.size)
        shadow.paste(shape, (left + 5, top + 6))
        shadow = shadow.filter(ImageFilter.GaussianBlur(5))
        dark = tuple(int(value * 0.6) for value in lid)
        glass.paste(Image.new("RGB", glass.size, dark), (0, 0), shadow)
        glass.paste(turned, (left, top), shape)
        image = glass
    pixels = np.asarray(image).astype(np.float32)
    grain = uniform(np.arange(pixels.shape[1])[None, :], np.arange(pixels.shape[0])[:, None], seed) - 0.5
    return np.clip(pixels + 5 * grain[..., None] + 0.5, 0, 255).astype(np.uint8)
