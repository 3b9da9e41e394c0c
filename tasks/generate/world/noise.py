"""Chance on an endless grid: a number depends on its key, row and column alone, and on no number beside it."""

from __future__ import annotations

import numpy as np

SIDE = 16  # cells of a square that one generator fills
MIDDLE = 1 << 30  # makes rows and columns left and above of the origin positive, as seeds must be
FARTHEST = MIDDLE // 2
"""Largest row or column, in pixels, that a plane has."""


def generator(key: tuple[int, ...], row: int, col: int) -> np.random.Generator:
    """The generator of the cell (row, col), which may be negative."""
    return np.random.default_rng([*key, MIDDLE + row, MIDDLE + col])


def normal(key: tuple[int, ...], row: int, col: int, rows: int, cols: int) -> np.ndarray:
    """Standard normal numbers of a rectangle with its corner at (row, col), float32 (rows, cols)."""
    found = np.empty((rows, cols), np.float32)
    for i in range(row // SIDE, (row + rows - 1) // SIDE + 1):
        for j in range(col // SIDE, (col + cols - 1) // SIDE + 1):
            square = generator(key, i, j).standard_normal((SIDE, SIDE), np.float32)
            top, left = max(row, i * SIDE), max(col, j * SIDE)
            low, right = min(row + rows, (i + 1) * SIDE), min(col + cols, (j + 1) * SIDE)
            found[top - row : low - row, left - col : right - col] = square[
                top - i * SIDE : low - i * SIDE, left - j * SIDE : right - j * SIDE
            ]
    return found
