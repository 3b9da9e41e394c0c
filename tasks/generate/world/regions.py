"""Words at each place of a plane: one text everywhere, or those of polygons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import shapely
from affine import Affine
from shapely.geometry.base import BaseGeometry


class Words(Protocol):
    """Words on an endless plane.

    Attributes:
        texts: all texts of the plane, each once; "" asks for nothing. The first one is that of most of the plane.
    """

    texts: tuple[str, ...]

    def at(self, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
        """Numbers of the texts at some points, int (n,). A point's number does not depend on the other points.

        Args:
            rows, cols: of the points, in pixels of the ground, float64 (n,) each; pixel 0 goes from 0 to 1.
        """
        ...


class Everywhere:
    """One text."""

    def __init__(self, text: str):
        self.texts = (text,)

    def at(self, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
        """As `Words.at`."""
        return np.zeros(len(rows), int)


class Regions:
    """Polygons with a text each. Where some overlap, the last one wins; its border belongs to it.

    Args:
        polygons: in the coordinates of a map. texts: of the polygons.
        elsewhere: the text outside of all of them.
        transform: columns and rows of the plane to coordinates of the map.
    """

    def __init__(self, polygons: Sequence[BaseGeometry], texts: Sequence[str], elsewhere: str, transform: Affine):
        self.texts = tuple(dict.fromkeys([elsewhere, *texts]))
        self._numbers = [self.texts.index(text) for text in texts]
        self._polygons, self._transform = list(polygons), transform
        self._tree = shapely.STRtree(self._polygons)  # finds the few polygons near a batch of windows
        shapely.prepare(self._polygons)

    def at(self, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
        """As `Words.at`."""
        x, y = self._on_map(rows, cols)
        found = np.zeros(len(x), int)
        for number in np.sort(self._tree.query(shapely.box(x.min(), y.min(), x.max(), y.max()))):
            found[shapely.intersects_xy(self._polygons[number], x, y)] = self._numbers[number]
        return found

    def bounds(self, row: int, col: int, rows: int, cols: int) -> tuple[float, float, float, float]:
        """West, south, east and north of a rectangle of the plane, in the coordinates of the map."""
        x, y = self._on_map(np.array([row, row + rows]), np.array([col, col + cols]))
        return x.min(), y.min(), x.max(), y.max()

    def reach(self, row: int, col: int, rows: int, cols: int) -> bool:
        """Whether a part of a polygon lies in a rectangle of the plane; one that only touches it does not."""
        rectangle = shapely.box(*self.bounds(row, col, rows, cols))
        return any(self._polygons[number].intersection(rectangle).area > 0 for number in self._tree.query(rectangle))

    def _on_map(self, rows: np.ndarray, cols: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        a, b, c, d, e, f = self._transform[:6]
        return a * cols + b * rows + c, d * cols + e * rows + f
