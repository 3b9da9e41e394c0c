"""Perceptual hashes: 64 bits that are equal for similar windows and do not depend on level and scale.

A window is averaged to areas and transformed (DCT-II). The sign of each of the 64 lowest frequencies, without the
constant, gives one bit. Zauner (2010) compares with the median instead, which makes the bits dependent.
"""

from __future__ import annotations

from functools import cache
from math import gcd

import numpy as np

from tasks.select.compiled import compiled
from tasks.select.windows import Axis

HASH_SIDE = 32  # fewest areas along a side of a window


def reduced_hashes(means: np.ndarray, down: Axis, across: Axis) -> np.ndarray:
    """Perceptual hashes of the windows of a piece, uint64, from the means of areas of `hash_area` pixels a side."""
    side = hash_area(down.px, down.stride)
    basis, orders = _frequencies(down.px // side)
    tops, lefts = ((axis.starts - axis.begin) // side for axis in (down, across))
    return _signs(means, tops, lefts, basis, orders)


def window_hashes(values: np.ndarray, down: Axis, across: Axis) -> np.ndarray:
    """Perceptual hashes of the windows of a piece, uint64. Overlapping windows share the means."""
    return reduced_hashes(area_means(values, hash_area(down.px, down.stride)), down, across)


def hash_area(px: int, stride: int) -> int:
    """Side of the areas whose means are hashed: the largest divisor of `px` and `stride` that gives 32 areas a side."""
    common = gcd(px, stride)
    return max(side for side in range(1, common + 1) if common % side == 0 and (px // side >= HASH_SIDE or side == 1))


@cache
def _frequencies(side: int) -> tuple[np.ndarray, np.ndarray]:
    """The DCT-II basis over `side` samples, and the 64 lowest pairs of frequencies without the constant."""
    pairs = sorted(((u, v) for u in range(12) for v in range(12) if u + v), key=lambda pair: (sum(pair), pair))[:64]
    orders = np.array(pairs)
    frequency, sample = np.arange(orders.max() + 1)[None], np.arange(side)[:, None]
    return np.cos(np.pi * frequency * (2 * sample + 1) / (2 * side)), orders


@compiled
def area_means(values, side):
    """Means of whole side × side areas of (H, W) values without voids; NaN where all are void."""
    tall, wide = values.shape[0] // side, values.shape[1] // side
    means = np.empty((tall, wide))
    sums, counts = np.empty(wide * side, np.float64), np.empty(wide * side, np.int32)
    for i in range(tall):
        sums[:], counts[:] = 0, 0
        for y in range(i * side, (i + 1) * side):
            _accumulate(values[y], sums, counts)
        for j in range(wide):
            area, count = 0.0, 0
            for x in range(j * side, (j + 1) * side):
                area += sums[x]
                count += counts[x]
            means[i, j] = area / count if count else np.nan
    return means


@compiled
def _accumulate(row, sums, counts):
    for x in range(sums.size):
        v = row[x]
        known = v == v
        sums[x] += v if known else 0.0
        counts[x] += known


@compiled
def _signs(means, tops, lefts, basis, orders):
    """Perceptual hash of every window: the signs of its 64 lowest frequencies.

    A window of area means is transformed (DCT-II, with voids at the mean of the rest). The sign of each of the 64
    lowest coefficients, without the constant, gives one bit. Signs do not change when heights are shifted or scaled.

    Args:
        means: float64 (H, W), NaN for void. tops, lefts: first row and column of windows.
        basis: float64 (S, F), column f the cosine of frequency f along a window's S means.
        orders: int (64, 2), the frequency down and across of each bit.

    Returns:
        uint64 (n · m,); 0 for a window with a single value or none.
    """
    side, frequencies = basis.shape
    n, m = len(tops), len(lefts)
    hashes = np.zeros(n * m, np.uint64)
    window, below = np.empty((side, side)), np.empty((frequencies, side))
    coefficients = np.empty((frequencies, frequencies))
    for w in range(n * m):
        top, left = tops[w // m], lefts[w % m]
        total, filled = 0.0, 0
        for i in range(side):
            for j in range(side):
                value = means[top + i, left + j]
                window[i, j] = value
                if value == value:
                    total += value
                    filled += 1
        level = total / filled if filled else 0.0
        for i in range(side):
            for j in range(side):
                window[i, j] = window[i, j] - level if window[i, j] == window[i, j] else 0.0
        if window.max() - window.min() < 1e-9:  # rounding, not relief
            continue
        below[:], coefficients[:] = 0, 0
        for i in range(side):
            for down in range(frequencies):
                cosine = basis[i, down]
                for j in range(side):
                    below[down, j] += cosine * window[i, j]
        for down in range(frequencies):
            for j in range(side):
                value = below[down, j]
                for along in range(frequencies):
                    coefficients[down, along] += value * basis[j, along]
        for bit in range(64):
            if coefficients[orders[bit, 0], orders[bit, 1]] > 0:
                hashes[w] |= np.uint64(1) << np.uint64(bit)
    return hashes
