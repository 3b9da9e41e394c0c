"""Strips between the pages of a book: the fold, and the margins that meet there.

A gutter is a narrow straight strip in the middle of a sheet. It is plain from one end of the sheet to the other and has
print on both sides. Squares keep off it, so each lies on one page.
"""

from __future__ import annotations

import numpy as np

_TURNS = np.arange(-1.0, 1.01, 0.25)  # degrees from the sheet's own turn that are tried
_ROWS = 160  # rows that are looked at
_PLAIN = 30.0  # Lab units: most range of lightness along a gutter, between the 4th and the 96th percentile
_BUSY = 2.5  # times more range beside the gutter
_NARROW, _WIDE = 0.006, 0.06  # least and most width, as a share of the sheet's
_BESIDE = 0.04  # of the sheet's width: how far print beside the gutter is looked for
_MIDDLE = 0.35, 0.65  # of the sheet's width: where two pages meet; plain strips elsewhere are sea, or a legend's rim


def gutters(lightness: np.ndarray, off: np.ndarray, turn: float) -> np.ndarray:
    """Pixels of gutters, bool (H, W).

    Args:
        lightness: of the reduced scan, 0 to 255. off: what lies off the sheet. turn: of the sheet, in degrees.
    """
    found = _upright(lightness, off, -np.tan(np.radians(turn + _TURNS)))
    return found | _upright(lightness.T, off.T, np.tan(np.radians(turn + _TURNS))).T


def _upright(lightness: np.ndarray, off: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """The same for gutters that run from the top to the bottom; `slopes` are columns a row."""
    rows, cols = (np.flatnonzero((~off).any(axis=axis)) for axis in (1, 0))
    if len(rows) < _ROWS or len(cols) < _ROWS:
        return np.zeros(off.shape, bool)
    top, bottom, left, right = rows[0], rows[-1] + 1, cols[0], cols[-1] + 1
    inset = (bottom - top) // 14  # the frame and the margins above and below
    looked = np.linspace(top + inset, bottom - 1 - inset, _ROWS).astype(int)
    width, middle = right - left, (top + bottom) / 2
    best: tuple[float, float, int, int] | None = None
    for slope in slopes:
        columns = np.arange(left, right)[None] + np.rint(slope * (looked - middle)).astype(int)[:, None]
        lines = np.take_along_axis(lightness[looked], np.clip(columns, 0, off.shape[1] - 1), axis=1)
        low, high = np.percentile(lines, [4, 96], axis=0)
        for first, end in _strips(high - low, width):
            plainness = float((high - low)[first:end].mean()) - 4.0 * (end - first) / width
            if best is None or plainness < best[0]:
                best = plainness, float(slope), first, end
    if best is None:
        return np.zeros(off.shape, bool)
    _, slope, first, end = best
    place = np.arange(off.shape[1])[None] - left - slope * (np.arange(off.shape[0]) - middle)[:, None]
    return (place >= first - 1) & (place < end + 1)


def _strips(spread: np.ndarray, width: int) -> list[tuple[int, int]]:
    """First column and last column + 1 of the plain strips with print on both sides."""
    plain = np.concatenate([[False], spread <= _PLAIN, [False]])
    starts, ends = np.flatnonzero(plain[1:] & ~plain[:-1]), np.flatnonzero(~plain[1:] & plain[:-1])
    beside, found = max(3, round(_BESIDE * width)), []
    for first, end in zip(starts, ends, strict=True):
        if not _NARROW * width <= end - first <= _WIDE * width:
            continue
        if first < _MIDDLE[0] * width or end > _MIDDLE[1] * width:
            continue
        busy = min(np.median(spread[max(first - beside, 0) : first]), np.median(spread[end : end + beside]))
        if busy >= _BUSY * max(float(spread[first:end].mean()), 4.0):
            found.append((int(first), int(end)))
    return found
