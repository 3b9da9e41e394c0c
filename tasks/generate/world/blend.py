"""An endless plane that is blended from windows. Neighbours overlap by half.

The weight of a window is sin² across each of its sides, so that the weights of all windows sum to 1 at every pixel, and
a window fades out with its slope before it ends (partition of unity; Bar-Tal et al. 2023, MultiDiffusion, arXiv
2302.08113, average windows in the same place of the sampling).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

import numpy as np

KEPT = 48 * 2**20  # bytes of windows of one plane that stay in memory; a band of 4,096 pixels needs about half of it

Corners = list[tuple[int, int]]
"""Row and column of the first pixel of each window of a batch."""
Make = Callable[[Corners], np.ndarray]
"""Corners of a batch to its windows, (across², side, side)."""


class Plane(Protocol):
    """Values on an endless grid of pixels."""

    def read(self, row: int, col: int, rows: int, cols: int) -> np.ndarray:
        """The values of a rectangle, float64 (rows, cols). A value does not depend on the rectangle."""
        ...


class Blended:
    """A plane of windows.

    Windows are made in batches of neighbours. A window has the same place in the same batch whatever is
    read, so its bits do not depend on what is read.

    Args:
        side: pixels of a window, each way. shift: row and column of the first pixel of window (0, 0).
        across: windows of a batch, each way. make: makes a batch.
    """

    def __init__(self, side: int, shift: int, across: int, make: Make):
        self._side, self._step, self._shift, self._across, self._make = side, side // 2, shift, across, make
        fade = np.square(np.sin(np.pi * (np.arange(side) + 0.5) / side))
        self._weight = fade[:, None] * fade[None]
        self._kept: OrderedDict[tuple[int, int], np.ndarray] = OrderedDict()
        self._bytes = 0

    def read(self, row: int, col: int, rows: int, cols: int) -> np.ndarray:
        """As `Plane.read`. The windows of a pixel are added in one order: from the north, and from the west."""
        found = np.zeros((rows, cols))
        for i in self._windows(row, rows):
            for j in self._windows(col, cols):
                top, left = i * self._step + self._shift, j * self._step + self._shift
                r0, r1 = max(row, top), min(row + rows, top + self._side)
                c0, c1 = max(col, left), min(col + cols, left + self._side)
                part = np.s_[r0 - top : r1 - top, c0 - left : c1 - left]
                found[r0 - row : r1 - row, c0 - col : c1 - col] += self._weight[part] * self.window(i, j)[part]
        return found

    def window(self, i: int, j: int) -> np.ndarray:
        """The window with the number (i, j), before it is blended, (side, side)."""
        across = self._across
        group = (i // across, j // across)
        if group not in self._kept:
            self._kept[group] = self._make(self._corners(group))
            self._bytes += self._kept[group].nbytes
            while self._bytes > KEPT and len(self._kept) > 1:
                self._bytes -= self._kept.popitem(last=False)[1].nbytes
        self._kept.move_to_end(group)
        return self._kept[group][i % across * across + j % across]

    def _windows(self, first: int, count: int) -> range:
        """Numbers of the windows, along one axis, that have a pixel of first … first + count - 1."""
        first = first - self._shift
        return range((first - self._side) // self._step + 1, (first + count - 1) // self._step + 1)

    def _corners(self, group: tuple[int, int]) -> Corners:
        firsts = [
            [(number * self._across + k) * self._step + self._shift for k in range(self._across)] for number in group
        ]
        return [(row, col) for row in firsts[0] for col in firsts[1]]


def cut(plane: Plane, corners: Corners, side: int, factor: int = 1) -> np.ndarray:
    """The values under each window of a batch, float32 (n, side, side), read once for all of them.

    Args:
        side: pixels of the plane under a window, each way. factor: pixels of `corners` a pixel of the plane.
    """
    places = [(row // factor, col // factor) for row, col in corners]
    (top, left), (low, right) = places[0], places[-1]
    whole = plane.read(top, left, low - top + side, right - left + side).astype(np.float32)
    return np.stack([whole[row - top : row - top + side, col - left : col - left + side] for row, col in places])
