"""Geomorphons: landforms by what is seen from a pixel in eight directions.

Jasiewicz & Stepinski (2013), Geomorphology 182, 147-156. From each pixel eight lines of sight are followed.
Where the ground at the line's end stands out upwards the direction counts as "higher", downwards as "lower",
else as "level"; the counts of higher and lower directions alone decide which of ten landforms the pixel is.
"""

from __future__ import annotations

import numpy as np

NAMES = ("flat", "peak", "ridge", "shoulder", "spur", "slope", "hollow", "footslope", "valley", "pit")
"""Class c (1..10) is NAMES[c - 1]."""

NO_CLASS = 0
"""Where no landform can be told: voids, their neighbours, and the raster's outermost pixels."""

FL, PK, RI, SH, SP, SL, HL, FS, VL, PT = range(1, 11)
__ = NO_CLASS  # higher and lower directions cannot be more than eight together
# Figure 4 of the paper: row is the number of lower directions, column the number of higher ones.
FORMS = np.array(
    [
        [FL, FL, FL, FS, FS, VL, VL, VL, PT],
        [FL, FL, FS, FS, FS, VL, VL, VL, __],
        [FL, SH, SL, SL, HL, HL, VL, __, __],
        [SH, SH, SL, SL, SL, HL, __, __, __],
        [SH, SH, SP, SL, SL, __, __, __, __],
        [RI, RI, SP, SP, __, __, __, __, __],
        [RI, RI, RI, __, __, __, __, __, __],
        [RI, RI, __, __, __, __, __, __, __],
        [PK, __, __, __, __, __, __, __, __],
    ],
    np.uint8,
)
DIRECTIONS = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))  # (row, col) steps
CHUNK = 16  # tiles worked on at once: the arrays of a step stay in the processor's cache


def geomorphons(height: np.ndarray, gsd: float, lookup_px: int, flat_deg: float) -> np.ndarray:
    """Landform of every pixel.

    Args:
        height: (N, H, W) metres.
        gsd: metres a pixel.
        lookup_px: how far to look, in pixels of ground distance (so diagonals take fewer steps). Lines of
            sight end at the raster's edge and pass over voids, except one right beside the pixel.
        flat_deg: a direction is level when no height on its line is seen at a steeper angle than this. An even slope
            is seen at less than its own angle in all but two directions, so ground up to √2 of it may be flat.

    Returns:
        uint8 (N, H, W): 1..10 as in `NAMES`, 0 (`NO_CLASS`) at a NaN, beside one, and on the outermost
        pixels, which have no line of sight in some direction. Count with `landform_shares`, which leaves
        those out.

    Raises:
        ValueError: heights are not (N, H, W), or the lookup is less than a diagonal step.
    """
    h = np.asarray(height, np.float32)
    if h.ndim != 3:
        raise ValueError(f"geomorphons: heights must be (N, H, W), not {h.shape}")
    if lookup_px < 2:
        raise ValueError(f"geomorphons: lookup_px is {lookup_px}; 2 is the least that reaches diagonally")
    out = np.empty(h.shape, np.uint8)
    for start in range(0, len(h), CHUNK):
        out[start : start + CHUNK] = _classify(h[start : start + CHUNK], gsd, lookup_px, flat_deg)
    return out


def landform_shares(classes: np.ndarray) -> np.ndarray:
    """Share of each landform among the classified pixels: (N, H, W) classes to float64 (N, 10), rows sum to 1.

    A raster without any classified pixel has NaN shares.
    """
    counts = np.array([np.bincount(tile.ravel(), minlength=11)[1:] for tile in classes]).reshape(-1, len(NAMES))
    total = counts.sum(axis=1, keepdims=True)
    return np.divide(counts, total, out=np.full(counts.shape, np.nan), where=total > 0)


def _classify(h: np.ndarray, gsd: float, lookup_px: int, flat_deg: float) -> np.ndarray:
    steepest = np.float32(np.tan(np.radians(flat_deg)))
    known = np.isfinite(h)
    higher, lower = np.zeros(h.shape, np.uint8), np.zeros(h.shape, np.uint8)
    for down, right in DIRECTIONS:
        zenith, nadir = _line_of_sight(h, down, right, gsd, lookup_px)
        # A line counts when its steepest angle passes the threshold, and up or down by which of its two
        # extremes is the larger: the rule of r.geomorphon, in tangents (they are in the angles' order), and
        # as a sum, so that an even slope (both extremes equal) counts by its own sign and not as level.
        seen = np.maximum(np.abs(zenith), np.abs(nadir)) > steepest
        sign = zenith + nadir
        higher += seen & (sign > 0)
        lower += seen & (sign < 0)
        known &= np.isfinite(zenith)
    return np.where(known, FORMS[lower, higher], np.uint8(NO_CLASS))


def _line_of_sight(h: np.ndarray, down: int, right: int, gsd: float, lookup_px: int) -> tuple[np.ndarray, np.ndarray]:
    """Largest and smallest tangent of height over distance along one direction; NaN where its first step is."""
    rows, cols = h.shape[-2:]
    unit = np.hypot(down, right)
    zenith, nadir = np.full(h.shape, np.nan, np.float32), np.full(h.shape, np.nan, np.float32)
    for step in range(1, int(lookup_px / unit + 1e-9) + 1):
        near_r, far_r = _shift(rows, down * step)
        near_c, far_c = _shift(cols, right * step)
        near = (slice(None), near_r, near_c)
        tangent = (h[:, far_r, far_c] - h[near]) * np.float32(1 / (step * unit * gsd))
        if step == 1:
            zenith[near] = tangent
            nadir[near] = tangent
        else:
            # maximum keeps a NaN of the first step; fmax passes over voids farther out.
            np.maximum(zenith[near], np.fmax(zenith[near], tangent), out=zenith[near])
            np.minimum(nadir[near], np.fmin(nadir[near], tangent), out=nadir[near])
    return zenith, nadir


def _shift(size: int, offset: int) -> tuple[slice, slice]:
    """Which pixels of an axis have a pixel `offset` away, and those pixels."""
    if abs(offset) >= size:
        return slice(0, 0), slice(0, 0)
    if offset >= 0:
        return slice(0, size - offset), slice(offset, size)
    return slice(-offset, size), slice(0, size + offset)
