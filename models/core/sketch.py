"""Lines of ridges and valleys in heights: what a person would draw, found by one rule without chance.

A pixel lies on a ridge if the surface, smoothed, bends down across it more than elsewhere in the tile, and no neighbour
across the line bends more (Steger 1998, IEEE TPAMI 20(2), section 3: lines are extrema along the direction of the
largest second derivative). Valleys are the ridges of the inverted surface.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

NOTHING, RIDGE, VALLEY = 0, 1, 2
"""Values of a sketch."""
COLORS = {"nothing": (255, 255, 255), "ridge": (200, 60, 30), "valley": (30, 90, 200)}
"""The colour of each value in drawings and pictures, in the order of the values."""
SMOOTH = 1 / 40  # standard deviation of the smoothing as a share of the side: lines of the main landforms, not of noise
AT_ONCE = 64  # tiles whose arrays fit in a processor's cache; all of a large batch at once take four times as long
STRONG = 1.2  # a line bends this many times more than the root mean square of the tile
AROUND = ((0, 1), (1, 1), (1, 0), (1, -1))  # (row, col) steps at 0, 45, 90 and 135 degrees from the columns


def lines(heights: np.ndarray) -> np.ndarray:
    """A sketch of each tile, uint8 (n, h, w): 1 on ridge lines, 2 on valley lines, 0 elsewhere.

    Args:
        heights: (n, h, w) in any unit, without voids; a flat tile has no lines.
    """
    heights = np.asarray(heights, np.float64)
    if len(heights) > AT_ONCE:
        return np.concatenate([lines(heights[start : start + AT_ONCE]) for start in range(0, len(heights), AT_ONCE)])
    sigma = max(1.0, SMOOTH * heights.shape[-1])
    padded = np.pad(heights, ((0, 0), (2, 2), (2, 2)), mode="reflect", reflect_type="odd")  # an even slope stays even
    smooth = gaussian_filter(padded, (0, sigma, sigma), mode="nearest")
    xx, yy, xy = _second(smooth)
    half, apart = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    angle = 0.5 * np.arctan2(
        2 * xy, xx - yy
    )  # direction of the largest second derivative, from the columns to the rows
    bends = np.stack([half - apart, half + apart], axis=1).reshape(len(half), -1)  # a row a tile, so that no tile
    scale = np.sqrt(np.square(bends).mean(axis=1))[:, None, None]  # changes the rounding of another
    found = np.zeros(xx.shape, np.uint8)
    for kind, strength, across in ((VALLEY, half + apart, angle), (RIDGE, apart - half, angle + np.pi / 2)):
        found[_crest(strength, across) & (strength > STRONG * scale) & (scale > 0)] = kind
    return found[:, 1:-1, 1:-1]


def _second(z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Second derivatives along columns, along rows, and mixed, a pixel smaller on each side."""
    inner = z[:, 1:-1, 1:-1]
    xx = z[:, 1:-1, 2:] - 2 * inner + z[:, 1:-1, :-2]
    yy = z[:, 2:, 1:-1] - 2 * inner + z[:, :-2, 1:-1]
    xy = (z[:, 2:, 2:] - z[:, 2:, :-2] - z[:, :-2, 2:] + z[:, :-2, :-2]) / 4
    return xx, yy, xy


def _crest(strength: np.ndarray, across: np.ndarray) -> np.ndarray:
    """Whether no neighbour in the direction `across` (radians) is stronger; the outermost pixels compare with zero."""
    octant = np.round(across / (np.pi / 4)).astype(int) % 4
    padded = np.pad(strength, ((0, 0), (1, 1), (1, 1)))
    h, w = strength.shape[1:]
    crest = np.zeros(strength.shape, bool)
    for number, (row, col) in enumerate(AROUND):
        one = padded[:, 1 + row : 1 + row + h, 1 + col : 1 + col + w]
        other = padded[:, 1 - row : 1 - row + h, 1 - col : 1 - col + w]
        crest |= (octant == number) & (strength >= one) & (strength > other)
    return crest
