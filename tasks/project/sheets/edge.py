"""The edge of the sheet on a scan.

1. The frequent colours of the scan's border that its middle does not have may be surroundings (`palette`).
2. For every set of these colours: its pixels that hang together with the border may be off the sheet. On each side
   of the scan, the line is fitted at which they end (`sides`). The set whose line most columns agree on is taken.
3. A line is an edge if most columns agree on it and the colours do not go on behind it. Colours that go on behind
   it are paper, and the line is a printed frame.
4. A side without surroundings is the border of the scan. A side with surroundings that end at no straight line has no
   edge, and the scan is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import cv2
import numpy as np
from shapely import Polygon, box

from tasks.project.sheets.palette import Tone, foreign_tones, lightness, to_lab
from tasks.project.sheets.sides import SIDES, Side, find_side, turned

LOOKED_AT = 800
"""Longer side in pixels of the reduced scan on which the edge is found: a pixel is 1/8 % of it."""

_AGREED = 0.55  # of a side's columns must agree on its line; a colour chart or a torn corner hides the others
_ALIKE = 0.06  # of the strip behind the line may have the colours of the surroundings
_OUTSIDE = 0.4  # of the strip before the line must have them
_STEP = 9.0  # Lab units (0..255) between the surroundings and the sheet; a shade of paper differs by less
_CROSSED = 0.6  # of a side's columns show surroundings: then the side must have an edge
_CLEAR = 0.8  # of a side's columns end at a printed frame
_PAPER = 0.4  # of the strip behind a printed frame is paper
_STRANGE = 20.0  # Lab units: colours nearer to the sheet's may be stains, and need no edge
_DEEP = 0.01  # of the scan's longer side: surroundings thinner than that need no edge; the inset covers them
_SQUARE = 0.6  # degrees by which the sides of a sheet may differ in their turn
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


def find_edge(rgb: np.ndarray, known: np.ndarray, frames: bool = False) -> Edge:
    """Find the sheet on a reduced scan, uint8 (H, W, 3); `known` says which pixels have a value."""
    lab = to_lab(np.where(known[..., None], rgb, np.uint8(0)))
    light = lab[..., 0] >= lightness(lab)
    foreign = [tone for tone in foreign_tones(lab, known) if not _is_margin(tone.of(lab), lab, light)]
    masks = [tone.of(lab) for tone in foreign]
    sets = [(_members(np.logical_or.reduce([masks[i] for i in which]), light), which) for which in _subsets(len(masks))]
    if not known.all():
        sets = [(members | ~known, which) for members, which in sets] or [(~known, ())]
    # Dark colours go on behind an edge as ink, in frames and lettering; only light ones tell paper from surroundings.
    looks = [(members & light, _at_border(members)) for members, _ in sets]
    lines, taken, problem = {}, np.zeros(known.shape, bool), None
    for side in SIDES:
        found = [
            find_side(turned(off, side), turned(alike, side), turned(lab, side), max(known.shape))
            for alike, off in looks
        ]
        good = [i for i, line in enumerate(found) if line is not None and _is_edge(line)]
        if good:
            best = max(good, key=lambda i: (round(found[i].agreed, 2), found[i].outside))
            lines[side] = found[best]
            taken |= looks[best][1]
        elif any(
            _needs_edge(line, [foreign[i] for i in which], known.shape)
            for line, (_, which) in zip(found, sets, strict=True)
        ):
            problem = problem or f"its {side} border differs from the sheet, but no straight edge divides them"
    polygon = _polygon(lines, known.shape)
    left, top, right, bottom = polygon.bounds
    if polygon.is_empty or (right - left) < _LEAST * known.shape[1] or (bottom - top) < _LEAST * known.shape[0]:
        problem = "the edges that were found leave less than a third of the scan"
        polygon = box(0, 0, known.shape[1], known.shape[0])
    corners = np.array(polygon.exterior.coords)[:-1]
    off = (taken | ~known) | ~_filled(corners, known.shape)
    scale = np.array([known.shape[1], known.shape[0]], float)
    return Edge(corners / scale, _angle(lines, known.shape), off, tuple(lines), problem)


def _subsets(count: int) -> list[tuple[int, ...]]:
    return [which for size in range(1, count + 1) for which in combinations(range(count), size)]


def _members(union: np.ndarray, light: np.ndarray) -> np.ndarray:
    """The pixels of a set of colours without specks and bridges: light ones up to two pixels wide, dark ones up to six.

    Dark bridges are wider because a torn corner joins a printed frame to a dark bed.
    """
    closed = cv2.morphologyEx(union.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    fine, coarse = (cv2.morphologyEx(closed, cv2.MORPH_OPEN, np.ones((side, side), np.uint8)) > 0 for side in (3, 7))
    return coarse | fine & light


def _at_border(members: np.ndarray) -> np.ndarray:
    """The members that hang together with the border of the scan."""
    _, parts = cv2.connectedComponents(members.astype(np.uint8), connectivity=4)
    border = np.unique(np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]]))
    return np.isin(parts, border[border > 0])


def _is_margin(mask: np.ndarray, lab: np.ndarray, light: np.ndarray) -> bool:
    """Whether a colour is the paper around a printed frame: the frame is straight, and the paper goes on behind it."""
    members = _members(mask, light)
    off = _at_border(members)
    for side in SIDES:
        line = find_side(turned(off, side), turned(members, side), turned(lab, side), max(mask.shape))
        if line is not None and min(line.agreed, line.crossed) >= _CLEAR and line.alike >= _PAPER:
            return True
    return False


def _is_edge(line: Side) -> bool:
    seen = line.crossed > 0 and line.agreed >= _AGREED and line.outside >= _OUTSIDE
    return seen and line.alike <= _ALIKE and line.step >= _STEP


def _needs_edge(line: Side | None, colors: list[Tone], shape: tuple[int, ...]) -> bool:
    if line is None or any(tone.apart < _STRANGE for tone in colors):
        return False
    return line.crossed >= _CROSSED and line.alike <= _ALIKE and line.typical > _DEEP * max(shape)


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
    signs = {"top": 1, "bottom": -1, "left": -1, "right": 1}
    turns = np.array([signs[side] * np.degrees(np.arctan(line.slope)) for side, line in lines.items()])
    lengths = np.array([shape[1] if side in ("top", "bottom") else shape[0] for side in lines])
    best = max((np.abs(turns - turn) <= _SQUARE for turn in turns), key=np.sum, default=np.zeros(0, bool))
    return float(np.average(turns[best], weights=lengths[best])) if best.sum() >= 2 else 0.0


def _filled(corners: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.rint(corners * 16 - 8).astype(np.int32)], 1, shift=4)
    return mask > 0
