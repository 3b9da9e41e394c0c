"""Ground that agrees with the coarse map: what the windows miss of it is added as a smooth surface."""

from __future__ import annotations

import numpy as np

from tasks.generate.world.blend import Plane

MARGIN = 3  # blocks around a rectangle whose errors reach into it


class Agreeing:
    """A plane of ground plus a surface of cubic B-splines through the errors of its block means.

    A window follows the coarse map as closely as the network has learned it. The surface has continuous slopes and
    bends, so that no edges of blocks appear. It removes the errors of wide areas; those of single blocks stay in part.

    Args:
        ground: metres. coarse: wanted means of blocks of `factor` × `factor` pixels.
    """

    def __init__(self, ground: Plane, coarse: Plane, factor: int):
        self._ground, self._coarse, self._factor = ground, coarse, factor

    def read(self, row: int, col: int, rows: int, cols: int) -> np.ndarray:
        """As `Plane.read`. All sums are of single values in one order, so that no bit depends on the rectangle."""
        factor = self._factor
        top, left = row // factor - MARGIN, col // factor - MARGIN
        high = (row + rows - 1) // factor + MARGIN + 1 - top
        wide = (col + cols - 1) // factor + MARGIN + 1 - left
        ground = self._ground.read(top * factor, left * factor, high * factor, wide * factor)
        means = np.zeros((high, wide))
        for i in range(factor):
            for j in range(factor):
                means += ground[i::factor, j::factor]
        error = self._coarse.read(top, left, high, wide) - means / factor**2
        error[1:-1, 1:-1] = 2 * error[1:-1, 1:-1] - _smoothed(error)  # about the inverse of the splines' smoothing
        down, right = _weights(row, rows, top, factor), _weights(col, cols, left, factor)
        found = ground[row - top * factor :, col - left * factor :][:rows, :cols].copy()
        for first, high_share in down:
            for second, wide_share in right:
                found += high_share[:, None] * wide_share[None] * error[np.ix_(first, second)]
        return found


def _smoothed(values: np.ndarray) -> np.ndarray:
    """Values of the cubic B-spline surface at the centres of its blocks, one smaller on each side."""
    down = (values[:-2] + 4 * values[1:-1] + values[2:]) / 6
    return (down[:, :-2] + 4 * down[:, 1:-1] + down[:, 2:]) / 6


def _weights(first: int, count: int, origin: int, factor: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Of the four blocks that reach each pixel: number of the block from `origin`, and weight."""
    place = (np.arange(first, first + count) + 0.5) / factor - 0.5
    block = np.floor(place)
    t = place - block
    shares = ((1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, 3 * (1 - t) ** 3 - 6 * (1 - t) ** 2 + 4, t**3)
    return [(block.astype(int) - origin + k - 1, share / 6) for k, share in enumerate(shares)]
