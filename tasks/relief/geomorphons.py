"""Geomorphons: landforms from lines of sight in eight directions.

Source: Jasiewicz & Stepinski (2013), Geomorphology 182, 147-156. Each direction counts as "higher", "lower" or "level".
It is higher if the steepest angle along the line of sight points up, and lower if it points down. It is level if the
angle is below a threshold. The numbers of higher and lower directions determine the landform of the pixel.
"""

from __future__ import annotations

import numpy as np

NAMES = ("flat", "peak", "ridge", "shoulder", "spur", "slope", "hollow", "footslope", "valley", "pit")
"""Names of the landforms: class c (1..10) is NAMES[c - 1]."""

NO_CLASS = 0
"""Class of pixels without a landform: voids, their neighbours, and the outermost pixels of the raster."""

FL, PK, RI, SH, SP, SL, HL, FS, VL, PT = range(1, 11)
__ = NO_CLASS  # unused, because there are only eight directions
# Figure 4 of the paper: the row is the number of lower directions, the column the number of higher directions.
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
CHUNK = 16  # tiles processed together: their arrays fit into the cache of the processor


def geomorphons(height: np.ndarray, gsd: float, lookup_px: int, flat_deg: float) -> np.ndarray:
    """Classify the landform of each pixel.

    Args:
        height: (N, H, W) metres.
        gsd: metres a pixel.
        lookup_px: length of the lines of sight in pixels of ground distance, so diagonals take fewer steps. Lines of
            sight end at the edge of the raster. They ignore voids, except a void next to the pixel.
        flat_deg: a direction is level if all angles on its line are at most this steep, in degrees. On an even slope,
            most directions have smaller angles than the slope, so ground with up to √2 times this slope can be flat.

    Returns:
        uint8 (N, H, W): 1..10 as in `NAMES`. It is 0 (`NO_CLASS`) at a NaN, next to a NaN, and on the outermost
        pixels, which lack a line of sight in some direction. `landform_shares` leaves out these pixels.

    Raises:
        ValueError: `height` is not (N, H, W), or `lookup_px` is below 2.
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
    """Return the share of each landform among the classified pixels.

    Args:
        classes: uint8 (N, H, W), as `geomorphons` returns them.

    Returns:
        float64 (N, 10); each row sums to 1, or is NaN if the raster has no classified pixel.
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
        # The rule of r.geomorphon: a direction counts if its steepest angle exceeds the threshold. The extreme with the
        # larger magnitude decides between higher and lower. Tangents have the same order as angles. The sum of the
        # extremes has the right sign even on an even slope, where both extremes are equal.
        seen = np.maximum(np.abs(zenith), np.abs(nadir)) > steepest
        sign = zenith + nadir
        higher += seen & (sign > 0)
        lower += seen & (sign < 0)
        known &= np.isfinite(zenith)
    return np.where(known, FORMS[lower, higher], np.uint8(NO_CLASS))


def _line_of_sight(h: np.ndarray, down: int, right: int, gsd: float, lookup_px: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the largest and the smallest tangent along one direction, float32; NaN if the first step is NaN."""
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
            # `maximum` keeps a NaN of the first step; `fmax` ignores NaN farther out.
            np.maximum(zenith[near], np.fmax(zenith[near], tangent), out=zenith[near])
            np.minimum(nadir[near], np.fmin(nadir[near], tangent), out=nadir[near])
    return zenith, nadir


def _shift(size: int, offset: int) -> tuple[slice, slice]:
    """Return the pixels of an axis that have a pixel at distance `offset`, and these distant pixels."""
    if abs(offset) >= size:
        return slice(0, 0), slice(0, 0)
    if offset >= 0:
        return slice(0, size - offset), slice(offset, size)
    return slice(-offset, size), slice(0, size + offset)
