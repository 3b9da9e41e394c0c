"""Sheets of pictures in rows and columns, each picture enlarged or reduced by a whole factor, without smoothing."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from matplotlib.figure import Figure

DPI = 110
LEAST, MOST = 96, 256  # side of a picture on a sheet
GAP = 4


def sheet(
    pictures: Sequence[Sequence[np.ndarray | None]],
    title: str,
    rows: Sequence[str] = (),
    columns: Sequence[str] = (),
    captions: Sequence[Sequence[str]] = (),
) -> Figure:
    """A figure of pictures uint8 (h, w, 3) of one size; None leaves a place empty.

    Args:
        rows: text to the left of each row. columns: text above each column. captions: text below each picture.
    """
    shown = [[None if picture is None else fitted(picture) for picture in line] for line in pictures]
    side, wide = next(picture.shape[:2] for line in shown for picture in line if picture is not None)
    left = GAP + (12 + max(8 * len(text) for row in rows for text in row.split("\n")) if rows else 0)
    top = 34 + (18 * (1 + max(text.count("\n") for text in columns)) if columns else 0)
    step_y, step_x = side + GAP + (18 if captions else 0), wide + GAP
    width = max(left + step_x * max(map(len, shown)), 8 * len(title) + 2 * GAP)
    height = top + step_y * len(shown)
    canvas = np.full((height, width, 3), 255, np.uint8)
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI)

    def write(x: float, y: float, text: str, **more: object) -> None:
        figure.text(x / width, 1 - y / height, text, fontsize=8, **{"va": "center", "ha": "center", **more})

    for number, line in enumerate(shown):
        y = top + number * step_y
        for place, picture in enumerate(line):
            x = left + place * step_x
            if picture is not None:
                canvas[y : y + side, x : x + wide] = picture
            if captions:
                write(x + wide / 2, y + side + 10, captions[number][place])
        if rows:
            write(left - 6, y + side / 2, rows[number], ha="right")
    for place, text in enumerate(columns):
        write(left + place * step_x + wide / 2, top - 4, text, va="bottom")
    write(GAP, 16, title, ha="left")
    figure.figimage(canvas, 0, 0, zorder=-1)
    return figure


def tall(pictures: Sequence[np.ndarray], titles: Sequence[str]) -> Figure:
    """A figure of pictures of any sizes, one below the other, pixel for pixel."""
    width = max(*(picture.shape[1] for picture in pictures), 8 * max(map(len, titles)))
    height = sum(len(picture) + 28 for picture in pictures)
    canvas = np.full((height, width, 3), 255, np.uint8)
    figure, y = Figure(figsize=(width / DPI, height / DPI), dpi=DPI), 0
    for picture, title in zip(pictures, titles, strict=True):
        figure.text(GAP / width, 1 - (y + 14) / height, title, fontsize=8, va="center")
        canvas[y + 28 : y + 28 + len(picture), : picture.shape[1]] = picture
        y += len(picture) + 28
    figure.figimage(canvas, 0, 0, zorder=-1)
    return figure


def fitted(picture: np.ndarray) -> np.ndarray:
    """The picture enlarged by a whole factor to 96 pixels or more, or reduced to 256 or less."""
    rows, cols = picture.shape[:2]
    if max(rows, cols) > MOST:
        factor = math.ceil(max(rows, cols) / MOST)
        return cv2.resize(picture, (max(1, cols // factor), max(1, rows // factor)), interpolation=cv2.INTER_AREA)
    factor = max(1, math.ceil(LEAST / rows))
    return picture.repeat(factor, axis=0).repeat(factor, axis=1)
