"""The edge of a sheet or of a picture: a polygon on the scan, made from the lines of its sides."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from shapely import Polygon, box

from tasks.project.sheets.sides import Side

LOOKED_AT = 800
"""Longer side in pixels of the reduced scan on which the edge is found: a pixel is 1/8 % of it."""

SQUARE = 0.6
"""Degrees by which the sides of a sheet may differ in their turn."""

_LEAST = 0.3  # of the scan's width and height that a sheet covers


@dataclass(frozen=True)
class Edge:
    """The sheet on a scan.

    Attributes:
        corners: the polygon, (N, 2) columns and rows as shares of the scan's width and height, clockwise.
        angle: degrees by which the sheet is turned clockwise.
        off: pixels of the reduced scan that lie off the sheet, bool (H, W).
        sides: names of the sides with surroundings; the others are the scan's border.
        problem: why the edge is not certain, or None.
    """

    corners: np.ndarray
    angle: float
    off: np.ndarray
    sides: tuple[str, ...]
    problem: str | None


def edge_of(lines: dict[str, Side], off: np.ndarray, problem: str | None = None) -> Edge:
    """The edge with these lines; sides without one are the scan's border. `off` is off the sheet in any case."""
    rows, cols = off.shape
    polygon = _polygon(lines, off.shape)
    left, top, right, bottom = polygon.bounds
    if polygon.is_empty or right - left < _LEAST * cols or bottom - top < _LEAST * rows:
        problem = "the edges that were found leave less than a third of the scan"
        polygon = box(0, 0, cols, rows)
    corners = np.array(polygon.exterior.coords)[:-1]
    off = off | ~_filled(corners, off.shape)
    return Edge(corners / [cols, rows], _angle(lines, off.shape), off, tuple(lines), problem)


def turn_of(side: str, line: Side) -> float:
    """Degrees by which a side is turned clockwise."""
    return float(np.degrees(np.arctan(line.slope))) * {"top": 1, "bottom": -1, "left": -1, "right": 1}[side]


def _polygon(lines: dict[str, Side], shape: tuple[int, ...]) -> Polygon:
    """The part of the scan inside all lines, in pixels."""
    rows, cols = shape
    sheet = box(0, 0, cols, rows)
    far = 3 * max(rows, cols)
    for side, line in lines.items():
        length = cols if side in ("top", "bottom") else rows
        a, b = (-length, line.depth(-length)), (2 * length, line.depth(2 * length))
        half = [_unturned(point, side, rows, cols) for point in (a, b, (b[0], far), (a[0], far))]
        sheet = sheet.intersection(Polygon(half))
    return sheet


def _unturned(point: tuple[float, float], side: str, rows: int, cols: int) -> tuple[float, float]:
    """Column and row of the scan of a point (column, depth) of a side."""
    along, depth = point
    return {
        "top": (along, depth),
        "bottom": (along, rows - depth),
        "left": (depth, along),
        "right": (cols - depth, along),
    }[side]


def _angle(lines: dict[str, Side], shape: tuple[int, ...]) -> float:
    """Turn of the sheet in degrees, clockwise: the mean of the sides that agree, weighted by length; 0 without two."""
    turns = np.array([turn_of(side, line) for side, line in lines.items()])
    lengths = np.array([shape[1] if side in ("top", "bottom") else shape[0] for side in lines])
    best = max((np.abs(turns - turn) <= SQUARE for turn in turns), key=np.sum, default=np.zeros(0, bool))
    return float(np.average(turns[best], weights=lengths[best])) if best.sum() >= 2 else 0.0


def _filled(corners: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.rint(corners * 16 - 8).astype(np.int32)], 1, shift=4)
    return mask > 0
