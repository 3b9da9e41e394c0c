"""Makes heights agree exactly with the heights that were given: means of blocks, and known pixels.

A network follows such conditions approximately. The rest is a small and smooth correction.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.linalg import spsolve

ROUNDS = 12  # each leaves less than half of the error that is not smooth
BOTH = 4  # a correction of one kind changes what the other kind asks for


def agree(heights: np.ndarray, coarse: np.ndarray | None, known: np.ndarray | None) -> np.ndarray:
    """Heights with the given means of blocks and the given pixels; where these contradict each other, the pixels count.

    Args:
        heights: (h, w) metres. coarse: (h / f, w / f) means of blocks, NaN where not given, or None.
        known: (h, w), NaN where not given, or None.
    Returns:
        float32 (h, w). Known pixels have their bits. Means of blocks without known pixels differ by rounding alone.
    """
    found = np.asarray(heights, np.float64)
    coarse = None if coarse is None or not np.isfinite(coarse).any() else np.asarray(coarse, np.float64)
    known = None if known is None or not np.isfinite(known).any() else known
    if coarse is not None and known is not None:
        for _ in range(BOTH):
            found = with_known(with_means(found, coarse), known)
        free = _blocks(np.isfinite(known), len(found) // len(coarse)).max(axis=(1, 3)) == 0
        found = with_known(with_means(found, np.where(free, coarse, np.nan), smooth=False), known)
    elif coarse is not None:
        found = with_means(found, coarse)
    elif known is not None:
        found = with_known(found, known)
    found = found.astype(np.float32)
    return found if known is None else np.where(np.isfinite(known), known, found).astype(np.float32)


def with_means(heights: np.ndarray, means: np.ndarray, smooth: bool = True) -> np.ndarray:
    """Heights (h, w) with the means (h / f, w / f) of blocks, by back-projection (Irani & Peleg 1991, CVGIP 53(3)).

    Each round adds the error of the means, interpolated between the centres of the blocks, so that no edges of blocks
    appear. At the end, each block gets the rest, which is far below a thousandth of the relief, as a constant.
    """
    side = len(heights) // len(means)
    wide, high = (_interpolation(count, side) for count in means.shape[::-1])
    found = heights.copy()
    for _ in range(ROUNDS if smooth else 0):
        found += high @ _missing(found, means, side) @ wide.T
    return found + np.repeat(np.repeat(_missing(found, means, side), side, axis=0), side, axis=1)


def with_known(heights: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Heights (h, w) with the known pixels, and the rest moved so that no step appears at their edge.

    The rest keeps its gradients as far as possible: it is moved by the function that equals the difference on the known
    pixels and is harmonic elsewhere (Pérez et al. 2003, Poisson image editing, equation 4, guided by the
    heights).
    """
    exists = np.isfinite(known)
    apart = np.where(exists, known.astype(np.float64) - heights, 0.0)
    if exists.all() or not exists.any():
        return heights + apart
    return heights + _harmonic(apart, exists)


def _harmonic(values: np.ndarray, fixed: np.ndarray) -> np.ndarray:
    """`values` where `fixed`; elsewhere each pixel is the mean of its neighbours inside the array."""
    free = ~fixed
    number = np.full(values.shape, -1)
    number[free] = np.arange(free.sum())
    total, degree, rows, cols = np.zeros(values.shape), np.zeros(values.shape), [], []
    for one, other in (
        (np.s_[:, :-1], np.s_[:, 1:]),
        (np.s_[:, 1:], np.s_[:, :-1]),
        (np.s_[:-1], np.s_[1:]),
        (np.s_[1:], np.s_[:-1]),
    ):
        degree[one] += 1
        total[one] += np.where(fixed[other], values[other], 0.0)
        pairs = free[one] & free[other]
        rows.append(number[one][pairs])
        cols.append(number[other][pairs])
    rows, cols = np.concatenate(rows), np.concatenate(cols)
    size, diagonal = int(free.sum()), np.arange(int(free.sum()))
    entries = np.concatenate([degree[free], -np.ones(len(rows))])
    places = (np.concatenate([diagonal, rows]), np.concatenate([diagonal, cols]))
    found = values.copy()
    found[free] = spsolve(coo_array((entries, places), shape=(size, size)).tocsc(), total[free])
    return found


def _missing(heights: np.ndarray, means: np.ndarray, side: int) -> np.ndarray:
    """What the means of the blocks lack; 0 where no mean is given."""
    return np.where(np.isfinite(means), means - _blocks(heights, side).mean(axis=(1, 3)), 0.0)


def _blocks(values: np.ndarray, side: int) -> np.ndarray:
    h, w = values.shape
    return values.reshape(h // side, side, w // side, side)


def _interpolation(count: int, side: int) -> np.ndarray:
    """The matrix (count × side, count) of linear interpolation from centres of blocks to pixels."""
    place = np.clip((np.arange(count * side) + 0.5) / side - 0.5, 0, count - 1)
    return np.maximum(0.0, 1 - np.abs(place[:, None] - np.arange(count)[None]))
