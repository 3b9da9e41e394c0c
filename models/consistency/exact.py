"""Makes heights agree exactly with the heights that were given: means of blocks, and known pixels.

A network follows such conditions approximately. The rest is a small and smooth correction.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter, maximum_filter, minimum_filter
from scipy.sparse import csr_array, diags_array
from scipy.sparse.linalg import spsolve

ROUNDS = 12  # each leaves less than half of the error that is not smooth
STIFF = 4.0  # pixels over which a correction keeps its gradient; more lets it swing on wide unknown parts
DETAILS = 2.0  # pixels, deviation of the Gaussian that removes details
MOST = 2.0  # times
ENOUGH = 16  # pixels that measure a roughness
LEAST = 0.01  # metres; smoother ground has no details
PADDED = 8  # pixels, the reach of that Gaussian
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
        found = with_means(found, np.where(free, coarse, np.nan), smooth=False)
    elif coarse is not None:
        found = with_means(found, coarse)
    elif known is not None:
        found = with_known(as_rough(found, known), known)
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


def as_rough(heights: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Heights (h, w) with the roughness of the unknown part moved towards that of the known part.

    A network fills rough ground too smoothly and smooth ground too roughly, which shows as much as a seam. Real ground
    also differs from its surroundings, and words may ask for it. So the new roughness (root mean square of Δ) is the
    geometric mean of both. All details finer than `DETAILS` get one factor, from 1 / `MOST` to `MOST`. Level ground is
    left out: water says nothing about roughness.
    """
    exists = np.isfinite(known)
    filled, bend = np.where(exists, known, 0.0), _bend(exists.shape)
    reach = abs(bend)
    level = maximum_filter(filled, 3) == minimum_filter(filled, 3)
    whole = (reach @ ~exists.ravel() == 0) & exists.ravel() & ~level.ravel()
    inner = (reach @ exists.ravel() == 0) & ~exists.ravel()
    if min(whole.sum(), inner.sum()) < ENOUGH:
        return heights
    wanted = np.sqrt(np.square((bend @ filled.ravel())[whole]).mean())
    own = np.sqrt(np.square((bend @ heights.ravel())[inner]).mean())
    if min(wanted, own) < LEAST:
        return heights
    wide = np.pad(heights, PADDED, mode="reflect", reflect_type="odd")  # so that a slope has no details at the border
    smooth = gaussian_filter(wide, DETAILS)[PADDED:-PADDED, PADDED:-PADDED]
    return smooth + np.clip(np.sqrt(wanted / own), 1 / MOST, MOST) * (heights - smooth)


def with_known(heights: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Heights (h, w) with the known pixels, and the rest moved so that no seam appears at their edge.

    A network meets known pixels only roughly, and its heights make a step at their edge. So these heights count only
    between unknown pixels. With the known pixels fixed, the result f minimises

        Σ |∇(f - heights)|² + STIFF² Σ (Δf - b)²,

    a plate under tension (Smith & Wessel 1990, Geophysics 55(3)). The first sum is over pairs of unknown pixels. The
    second is over the unknown pixels and those beside them. Away from the edge b is Δ heights; at the edge it is the
    bend of the known ground (`_bends`). So the gradient and the roughness of the known ground go on across the edge,
    and the rest keeps its own shape.
    """
    exists, known = np.isfinite(known), known.astype(np.float64)
    if exists.all() or not exists.any():
        return np.where(exists, known, heights)
    free, found = ~exists.ravel(), np.where(exists, known, 0.0).ravel()
    step, bend = _step(exists.shape), _bend(exists.shape)
    tension = diags_array((abs(step) @ exists.ravel() == 0).astype(float))
    stiffness = STIFF**2 * diags_array((abs(bend) @ free > 0).astype(float))
    energy = (step.T @ tension @ step + bend.T @ stiffness @ bend).tocsr()[free]
    pull = step.T @ (tension @ (step @ heights.ravel())) + bend.T @ (stiffness @ _bends(heights, found, exists))
    found[free] = spsolve(energy[:, free].tocsc(), pull[free] - energy[:, ~free] @ found[~free])
    return found.reshape(exists.shape)


def _bends(heights: np.ndarray, known: np.ndarray, exists: np.ndarray) -> np.ndarray:
    """The wanted Δ of each pixel, (h × w,).

    Beyond its edge e, known ground goes on by odd reflection: f(e + d) = 2 f(e) - f(e - d). That keeps the gradient,
    and the bends change their sign. Without bends, the ground would go on too straight. Where no known pixel has known
    pixels on all sides, as with thin lines, there is nothing to reflect. The bends of `heights` count then, and always
    away from the edge.
    """
    shape, bend = exists.shape, _bend(exists.shape)
    on_known, on_free = (abs(bend) @ one.ravel() > 0 for one in (exists, ~exists))
    edge, whole = (on_known & on_free).reshape(shape), exists & ~on_free.reshape(shape)
    found = (bend @ heights.ravel()).reshape(shape)
    if whole.any():
        nearest = distance_transform_edt(~whole, return_distances=False, return_indices=True)
        mirrored = np.clip(2 * nearest - np.indices(shape), 0, np.array(shape)[:, None, None] - 1)
        source = np.where(whole[tuple(mirrored)], mirrored, nearest)
        found = np.where(edge, -(bend @ known).reshape(shape)[tuple(source)], found)
    return found.ravel()


@cache
def _step(shape: tuple[int, int]) -> csr_array:
    """The matrix of the differences of neighbours, (pairs, h × w)."""
    number = np.arange(shape[0] * shape[1]).reshape(shape)
    pairs = [(number[:, :-1], number[:, 1:]), (number[:-1], number[1:])]
    one, other = (np.concatenate([pair[side].ravel() for pair in pairs]) for side in (0, 1))
    return _matrix([(np.arange(len(one)), one, -1.0), (np.arange(len(one)), other, 1.0)], (len(one), number.size))


@cache
def _bend(shape: tuple[int, int]) -> csr_array:
    """The matrix of Δ, (h × w, h × w). At the border of the array it lacks the second difference across the border."""
    number = np.arange(shape[0] * shape[1]).reshape(shape)
    parts = []
    for lines in (number, number.T):
        before, middle, after = (lines[:, place : lines.shape[1] - 2 + place].ravel() for place in range(3))
        parts += [(middle, before, 1.0), (middle, middle, -2.0), (middle, after, 1.0)]
    return _matrix(parts, (number.size, number.size))


def _matrix(parts: list[tuple[np.ndarray, np.ndarray, float]], shape: tuple[int, int]) -> csr_array:
    """The sparse matrix of (rows, columns, value); values at the same place are added."""
    rows, cols = (np.concatenate([part[side] for part in parts]) for side in (0, 1))
    values = np.concatenate([np.full(len(part[0]), part[2]) for part in parts])
    return csr_array((values, (rows, cols)), shape=shape)


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
