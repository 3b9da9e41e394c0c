"""Interpolation of small voids. Large voids stay void.

A hole is filled with the surface of least curvature that continues its rim, a thin plate (Briggs 1974, Geophysics
39(1), eq. 4). Unlike a weighted mean of the rim, a thin plate continues slopes across the hole.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage, sparse
from scipy.sparse.linalg import splu

_EIGHT = np.ones((3, 3), int)
_BENDING = (
    ((0, 0, 1.0), (0, 1, -2.0), (0, 2, 1.0)),
    ((0, 0, 1.0), (1, 0, -2.0), (2, 0, 1.0)),
    ((0, 0, 2**0.5), (0, 1, -(2**0.5)), (1, 0, -(2**0.5)), (1, 1, 2**0.5)),
)
"""Second differences along rows, along columns and mixed, each a list of (row, column, factor).

The sum of their squares is the bending energy of the plate."""


def fill_small_voids(height: np.ndarray, across: int) -> tuple[np.ndarray, np.ndarray]:
    """Interpolate cracks, and holes that are at most `across` pixels wide and high and do not touch the border.

    Args:
        height: float32 (H, W), NaN for void.

    Returns:
        The filled heights (a copy where anything was filled) and the mask of filled pixels, bool (H, W).
    """
    small = _small_holes(np.isnan(height), across)
    if not small.any():
        return height, small
    out = height.copy()
    out[small] = _thin_plate(height, small)
    return out, small


def _small_holes(void: np.ndarray, across: int) -> np.ndarray:
    if across == 0 or not void.any():
        return np.zeros(void.shape, bool)
    labels, _ = ndimage.label(void, _EIGHT)
    small = [False]
    for rows, cols in ndimage.find_objects(labels):
        fits = max(rows.stop - rows.start, cols.stop - cols.start) <= across
        # Heights beyond the border are unknown: filling a hole there would be extrapolation.
        inside = rows.start > 0 and cols.start > 0 and rows.stop < void.shape[0] and cols.stop < void.shape[1]
        small.append(fits and inside)
    return np.array(small)[labels] | _cracks(void)


def _cracks(void: np.ndarray) -> np.ndarray:
    """Void pixels with ground on two opposite sides: lines one pixel wide, of any length.

    Such lines appear between cells that are a fraction of a pixel apart.
    """
    ground = np.pad(~void, 1)
    west_east = ground[1:-1, :-2] & ground[1:-1, 2:]
    north_south = ground[:-2, 1:-1] & ground[2:, 1:-1]
    return void & (west_east | north_south)


def _thin_plate(height: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """Heights of the pixels in the holes that minimise the bending energy over all holes and their rims."""
    known = np.isfinite(height)
    usable = known | hole
    level = height[known].mean(dtype=np.float64)
    base = np.where(known, height.astype(np.float64) - level, 0.0)
    unknown = np.full(height.shape, -1)
    unknown[hole] = np.arange(hole.sum())
    equations, rights, count = [], [], 0
    for stencil in _BENDING:
        high, wide = (max(step[axis] for step in stencil) for axis in (0, 1))
        shape = (height.shape[0] - high, height.shape[1] - wide)
        views = [np.s_[dy : dy + shape[0], dx : dx + shape[1]] for dy, dx, _ in stencil]
        # A difference counts only where all its pixels are usable, so voids that stay have no influence.
        taken = np.all([usable[view] for view in views], axis=0) & np.any([hole[view] for view in views], axis=0)
        right = np.zeros(taken.sum())
        for view, (_, _, factor) in zip(views, stencil, strict=True):
            column = unknown[view][taken]
            right -= factor * base[view][taken]  # zero in a hole
            inside = column >= 0
            equations.append((count + np.flatnonzero(inside), column[inside], np.full(inside.sum(), factor)))
        rights.append(right)
        count += len(right)
    rows, columns, values = (np.concatenate(parts) for parts in zip(*equations, strict=True))
    matrix = sparse.csc_matrix((values, (rows, columns)), shape=(count, int(hole.sum())))
    # A very small weight towards the mean height keeps the solution unique where equations are too few.
    normal = matrix.T @ matrix + sparse.identity(matrix.shape[1], format="csc") * 1e-9
    return (splu(normal.tocsc()).solve(matrix.T @ np.concatenate(rights)) + level).astype(np.float32)
