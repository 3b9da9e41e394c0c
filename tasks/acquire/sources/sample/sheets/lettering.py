"""Lettering: words set into a sheet where nothing stands yet."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from tasks.acquire.sources.sample.sheets.scripts import Script, as_drawn, font

FACES = ("upright", "slanted", "bold")


def word(script: Script, text: str, size: int, face: str = "upright", spaced: float = 0.0) -> np.ndarray:
    """A line of text as ink, uint8 (h, w), without margins. `spaced` adds so many times the size between letters."""
    drawn, chosen = as_drawn(script, text), font(getattr(script, face), size)
    if not spaced:
        box = chosen.getbbox(drawn)
        image = Image.new("L", (max(box[2], 1) + 4, max(box[3], 1) + 4))
        ImageDraw.Draw(image).text((2 - min(box[0], 0), 2), drawn, fill=255, font=chosen)
    else:
        widths = [chosen.getlength(letter) for letter in drawn]
        image = Image.new("L", (int(sum(widths) + len(drawn) * spaced * size) + size, 2 * size))
        at = 2.0
        for letter, width in zip(drawn, widths, strict=True):
            ImageDraw.Draw(image).text((round(at), size // 4), letter, fill=255, font=chosen)
            at += width + spaced * size
    return _trimmed(np.asarray(image))


def turned(ink: np.ndarray, degrees: float) -> np.ndarray:
    """Ink turned against the clock."""
    return _trimmed(np.asarray(Image.fromarray(ink).rotate(degrees, Image.Resampling.BICUBIC, expand=True)))


def _trimmed(ink: np.ndarray) -> np.ndarray:
    rows, cols = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return ink[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1] if len(rows) else ink[:1, :1]


class Page:
    """The lettering of one map: ink, the halo that keeps lines away from it, and the room that is taken.

    Args:
        shape: rows and columns of the map.
    """

    def __init__(self, shape: tuple[int, int]):
        self.ink = np.zeros(shape, np.uint8)
        self.taken = np.zeros(shape, bool)

    def put(self, ink: np.ndarray, col: float, row: float, margin: int = 2, force: bool = False) -> bool:
        """Set `ink` with its upper left corner at (col, row); False where there is no room."""
        top, left = round(row), round(col)
        bottom, right = top + ink.shape[0], left + ink.shape[1]
        if top < margin or left < margin or bottom + margin > self.ink.shape[0] or right + margin > self.ink.shape[1]:
            return False
        around = slice(top - margin, bottom + margin), slice(left - margin, right + margin)
        if self.taken[around].any() and not force:
            return False
        self.taken[around] = True
        place = slice(top, bottom), slice(left, right)
        self.ink[place] = np.maximum(self.ink[place], ink)
        return True

    def beside(self, ink: np.ndarray, col: float, row: float, gap: float) -> bool:
        """Set `ink` beside a point: right, left, above, below, or at a corner."""
        tall, wide = ink.shape
        for dx, dy in ((1, 0), (-1, 0), (0, -1), (0, 1), (1, -1), (1, 1), (-1, -1), (-1, 1)):
            x = col + (gap if dx > 0 else -gap - wide if dx < 0 else -wide / 2)
            y = row + (gap if dy > 0 else -gap - tall if dy < 0 else -tall / 2)
            if self.put(ink, x, y):
                return True
        return False

    def reserve(self, col: float, row: float, reach: int) -> None:
        """Keep lettering away from a symbol."""
        r, c = int(row), int(col)
        self.taken[max(r - reach, 0) : r + reach + 1, max(c - reach, 0) : c + reach + 1] = True
