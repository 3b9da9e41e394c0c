"""One side of a sheet: the straight line at which the surroundings end and the sheet begins.

Every function sees its side as the top: rows count from the border of the scan inwards (see `turned`).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import cv2
import numpy as np

SIDES = ("top", "right", "bottom", "left")
_STEEPEST = np.tan(np.radians(8.0))  # slope of a side
_START = 0.45  # of the height; the search starts there and goes outwards
_RUN = 3  # rows in a row that must be off the sheet for the sheet to end
_TRIED = 28  # columns whose pairs give the lines that are tried
_SHADOW = 0.015  # of the longer side: half the width of a shadow behind which the edge may lie
_CHANGING = 2.0  # Lab units a row; slower changes are a rest
_SHARP = 8.0  # Lab units a row; a shadow begins more softly
_INK = 25.0  # Lab units by which a printed line is darker than what is on both sides of it
_MARGIN = 0.01  # of the longer side: rows before and behind an edge whose colours are compared
_TOLERANCE = 0.004  # of the scan's longer side: how far from the line the sheet may end


@dataclass(frozen=True)
class Side:
    """A line `depth = slope · column + offset`, and how far the picture agrees.

    Attributes:
        agreed: share of the columns where the sheet ends at the line.
        crossed: share of the columns where the surroundings are at all visible.
        alike: share of pixels just inside the line that have the colours of the surroundings.
        outside: share of pixels just before the line that have them.
        step: Lab units between the typical colours just before and just behind the line.
        typical: median number of rows that the surroundings take, over the columns where they are visible.
        inked: whether a dark line runs along it, with lighter colours before and behind.
    """

    slope: float
    offset: float
    agreed: float
    crossed: float
    alike: float
    outside: float
    step: float
    typical: float
    inked: bool

    def depth(self, column: np.ndarray | float) -> np.ndarray | float:
        """Rows from the border to the line."""
        return self.slope * column + self.offset


def turned(array: np.ndarray, side: str) -> np.ndarray:
    """A view of (H, W) or (H, W, 3) with the given side at the top. Columns run as the scan's columns or rows do."""
    return {"top": array, "bottom": array[::-1], "left": array.swapaxes(0, 1), "right": array[:, ::-1].swapaxes(0, 1)}[
        side
    ]


def find_side(off: np.ndarray, alike: np.ndarray, lab: np.ndarray, longest: int) -> Side | None:
    """The line that most columns agree on, or None where no column starts on the sheet.

    Args:
        off: pixels that may lie off the sheet, with the side at the top: they hang together with the border.
        alike: all pixels that look like surroundings, also behind the edge. lab: the scan in Lab.
        longest: longer side of the scan.
    """
    rows, cols = off.shape
    columns, depths = _profile(off)
    if len(columns) < max(8, cols // 6):
        return None
    tolerance = max(2.0, _TOLERANCE * longest)
    slope, offset = _robust_line(columns, depths, tolerance)
    line = slope * columns + offset
    fits = np.abs(np.maximum(line, 0) - depths) <= tolerance
    crossed = float((depths > 0).mean())
    typical = float(np.median(depths[depths > 0])) if crossed else 0.0
    at, ends = columns[fits].astype(int), line[fits]
    section, zero = _cross_section(lab, at, ends, round(_SHADOW * longest))
    moved = _behind_shadow(section, zero)
    step = _step(section, zero + moved, max(3, round(_MARGIN * longest)))
    behind = _strip(alike, at, ends + moved + tolerance, ends + moved + tolerance + 0.04 * rows)
    outside = _strip(off, at, np.maximum(ends - tolerance - 0.01 * longest, 0), ends - tolerance / 2)
    inked = _is_inked(section[:, 0], zero + moved)
    return Side(slope, offset + moved, float(fits.mean()), crossed, behind, outside, step, typical, inked)


def _cross_section(lab: np.ndarray, columns: np.ndarray, ends: np.ndarray, reach: int) -> tuple[np.ndarray, int]:
    """Typical colours of rows along a line, from `reach` rows before it to 2 · `reach` behind; and the line's index."""
    shifts = np.arange(-reach, 2 * reach + 1)
    rows = np.floor(ends)[None].astype(int) + shifts[:, None]
    usable = ((rows >= 0) & (rows < lab.shape[0])).mean(axis=1) > 0.5
    colors = lab[np.clip(rows[usable], 0, lab.shape[0] - 1), columns[None]]
    return np.median(colors, axis=1), int(np.flatnonzero(shifts[usable] >= 0)[0]) if usable.any() else 0


def _behind_shadow(section: np.ndarray, zero: int) -> int:
    """Rows from the line to the steepest change behind it, as long as the colours change without a rest.

    A shadow of the sheet darkens the surroundings towards the sheet, so their colours end before the sheet begins.
    """
    change = np.abs(np.diff(section, axis=0)).max(axis=1)
    if change[max(zero - 2, 0) : zero + 2].max(initial=0) >= _SHARP:
        return 0
    end = zero
    while end < len(change) and change[end : end + 3].max(initial=0) >= _CHANGING:
        end += 1
    start = max(zero - 2, 0)
    if end <= zero or end <= start:
        return 0
    steepest = start + int(change[start:end].argmax())
    return max(steepest + 1 - zero, 0)


def _is_inked(lightness: np.ndarray, edge: int) -> bool:
    start = max(edge - 4, 0)
    around = lightness[start : edge + 8]
    if len(around) < 8:
        return False
    dark = int(around.argmin())
    before, behind = around[:dark].max(initial=0), lightness[start + dark : edge + 18].max(initial=0)
    return bool(min(before, behind) - around[dark] >= _INK)


def _step(section: np.ndarray, edge: int, rows: int) -> float:
    """Largest difference in one channel between the typical colours of a few rows before and behind an edge."""
    before, behind = section[max(edge - 1 - rows, 0) : max(edge - 1, 1)], section[edge + 1 : edge + 1 + rows]
    if not len(before) or not len(behind):
        return 0.0
    return float(np.abs(np.median(behind, axis=0) - np.median(before, axis=0)).max())


def at_border(members: np.ndarray) -> np.ndarray:
    """The members that hang together with the border of the scan."""
    _, parts = cv2.connectedComponents(members.astype(np.uint8), connectivity=4)
    border = np.unique(np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]]))
    return np.isin(parts, border[border > 0])


def _profile(off: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Columns that start on the sheet, and for each the row at which the sheet ends, going outwards."""
    start = int(_START * off.shape[0])
    part = off[: start + 1]
    # ends[r]: rows r, r-1, … of a run are all off the sheet; a run at the border may be shorter.
    ends = part.copy()
    for step in range(1, _RUN):
        ends[step:] &= part[:-step]
    columns = np.flatnonzero(~part[start])
    found = ends[::-1, columns]
    first = found.argmax(axis=0)
    depth = np.where(found.any(axis=0), start - first + 1, 0)
    return columns.astype(float), depth.astype(float)


def _robust_line(columns: np.ndarray, depths: np.ndarray, tolerance: float) -> tuple[float, float]:
    """Slope and offset of the line through most points. Where the line leaves the scan, the depth is 0."""
    picks = np.unique(np.linspace(0, len(columns) - 1, min(_TRIED, len(columns))).astype(int))
    pairs = np.array(list(combinations(picks, 2)))
    x, y = columns[pairs], depths[pairs]
    slopes = (y[:, 1] - y[:, 0]) / (x[:, 1] - x[:, 0])
    keep = np.abs(slopes) <= _STEEPEST
    slopes, offsets = slopes[keep], (y[:, 0] - slopes * x[:, 0])[keep]
    level = np.unique(depths[picks])  # lines along the border, in case all pairs are steep
    slopes, offsets = np.concatenate([slopes, np.zeros(len(level))]), np.concatenate([offsets, level])
    wrong = np.abs(np.maximum(slopes[:, None] * columns + offsets[:, None], 0) - depths)
    count = (wrong <= tolerance).sum(axis=1) - np.minimum(wrong, tolerance).mean(axis=1) / tolerance
    best = int(count.argmax())
    slope, offset = float(slopes[best]), float(offsets[best])
    for _ in range(3):
        fits = (np.abs(slope * columns + offset - depths) <= tolerance) & (depths > 0)
        if fits.sum() < 8 or np.ptp(columns[fits]) < 8:
            break
        x, y = columns[fits] - columns[fits].mean(), depths[fits]
        new = float((x * y).sum() / (x * x).sum())  # least squares
        if abs(new) > _STEEPEST:
            break
        slope, offset = new, float(y.mean() - new * columns[fits].mean())
    return slope, offset


def _strip(mask: np.ndarray, columns: np.ndarray, top: np.ndarray, bottom: np.ndarray) -> float:
    """Share of a mask between two lines, over the given columns; 0 for an empty strip."""
    shifts = np.arange(int(np.ceil((bottom - top).max(initial=0))) + 1)[:, None]
    rows = np.ceil(top)[None] + shifts
    strip = (rows < bottom) & (rows >= 0) & (rows < mask.shape[0])
    inside = mask[np.clip(rows, 0, mask.shape[0] - 1).astype(int), columns[None]] & strip
    return float(inside.sum() / max(strip.sum(), 1))
