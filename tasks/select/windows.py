"""Positions of windows in a scene, and the pieces in which a scene is read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

PIECE = 1024  # about the side of a piece in pixels; memory depends on it and not on the size of the scene


@dataclass(frozen=True)
class Axis:
    """A run of windows along one axis of a scene.

    Attributes:
        starts: first pixel of each window, ascending, counted from the scene's edge.
        px, stride: side of a window, and distance between windows.
    """

    starts: np.ndarray
    px: int
    stride: int

    @property
    def begin(self) -> int:
        """First pixel that any window covers."""
        return int(self.starts[0])

    @property
    def end(self) -> int:
        """The pixel after the last that any window covers."""
        return int(self.starts[-1]) + self.px

    def cells(self) -> tuple[np.ndarray, np.ndarray]:
        """Edges of the cells, counted from `begin`, and for each window its first cell and the cell after its last.

        A cell ends wherever a window starts or ends, so that a window is a run of whole cells for any stride. Where
        the stride exceeds `px`, cells between windows are not used.
        """
        edges = np.unique(np.concatenate([self.starts, self.starts + self.px])) - self.begin
        first = np.searchsorted(edges, self.starts - self.begin)
        after = np.searchsorted(edges, self.starts + self.px - self.begin)
        return edges, np.stack([first, after], axis=1)


def window_starts(length: int, px: int, stride: int) -> np.ndarray:
    """First pixels of the windows along an axis, centred: the remainder is split between both ends."""
    if length < px:
        return np.empty(0, np.int64)
    count = (length - px) // stride + 1
    rest = length - px - (count - 1) * stride
    return rest // 2 + stride * np.arange(count, dtype=np.int64)


def pieces(rows: np.ndarray, cols: np.ndarray, px: int, stride: int) -> Iterator[tuple[Axis, Axis]]:
    """Cut a scene's windows into blocks of neighbours, each spanning at most `PIECE` pixels a side or one window."""
    each = max((PIECE - px) // stride + 1, 1)
    for top in range(0, len(rows), each):
        for left in range(0, len(cols), each):
            yield Axis(rows[top : top + each], px, stride), Axis(cols[left : left + each], px, stride)
