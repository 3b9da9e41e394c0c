"""Makes heights agree exactly with the heights that were given: means of blocks, and known pixels.

A network follows such conditions approximately. The rest is a small and smooth correction.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array, diags_array
from scipy.sparse.linalg import spsolve

ROUNDS = 12  # each leaves less than half of the error that is not smooth
STIFF = 4.0  # pixels over which a correction keeps its gradient; more lets it swing on wide unknown parts
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
    """Heights (h, w) with the known pixels, and the rest moved so that neither a step nor a bend appears at their edge.

    The rest is moved by a surface u that equals the difference on the known pixels and elsewhere minimises
    Σ |∇u|² + STIFF² Σ (Δu)², a plate under tension (Smith & Wessel 1990, Geophysics 55(3)). Near the edge the plate
    carries the gradients of the known pixels on; far from it, tension keeps it from swinging. The rest so keeps its
    own shape, as with seamless cloning (Pérez et al. 2003, Poisson image editing), which is the case STIFF = 0 and
    leaves the roughness of the difference as a seam.
    """
    exists = np.isfinite(known)
    apart = np.where(exists, known.astype(np.float64) - heights, 0.0)
    if exists.all() or not exists.any():
        return heights + apart
    return heights + _plate(apart, exists)


def _plate(values: np.ndarray, fixed: np.ndarray) -> np.ndarray:
    """`values` where `fixed`; elsewhere the plate through them. Its edges at the border of the array are free."""
    rough = _laplacian(values.shape)
    energy = (rough + STIFF**2 * (rough @ rough)).tocsr()[~fixed.ravel()]
    found, kept = values.ravel().copy(), fixed.ravel()
    found[~kept] = spsolve(energy[:, ~kept].tocsc(), -(energy[:, kept] @ found[kept]))
    return found.reshape(values.shape)


def _laplacian(shape: tuple[int, int]) -> csr_array:
    """The matrix of -Δ on pixels with four neighbours, fewer at the border of the array."""
    number = np.arange(np.prod(shape)).reshape(shape)
    ends = [(number[:, :-1], number[:, 1:]), (number[:-1], number[1:])]
    one, other = (np.concatenate([pair[side].ravel() for pair in ends]) for side in (0, 1))
    rows, cols = np.concatenate([one, other]), np.concatenate([other, one])
    neighbours = csr_array((np.ones(len(rows)), (rows, cols)), shape=(number.size, number.size))
    return (diags_array(neighbours.sum(axis=1)) - neighbours).tocsr()


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
