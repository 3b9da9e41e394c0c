"""Variety of paintings of one class: differences between paintings, and repetition within one painting."""

from __future__ import annotations

from itertools import combinations

import numpy as np

LAG = 8  # pixels; every texture resembles itself at shorter lags


def pairwise(pictures: np.ndarray) -> float:
    """Mean over all pairs of the root mean square difference of (n, …) arrays."""
    pictures = pictures.astype(np.float64)
    return float(np.mean([np.sqrt(np.square(a - b).mean()) for a, b in combinations(pictures, 2)]))


def repetition(values: np.ndarray) -> float:
    """Highest peak of the autocorrelation of (H, W) away from the centre: 1 is full repetition, noise is near 0.

    The plane through the values is subtracted first, because a slope resembles itself at every lag. Only local maxima
    count, so the flank of the central peak does not. Constant values give 1, because they match at every shift.
    """
    values = values.astype(np.float64)
    y, x = (axis - axis.mean() for axis in np.mgrid[: values.shape[0], : values.shape[1]].astype(np.float64))
    flat = (
        values
        - values.mean()
        - y * (values * y).mean() / np.square(y).mean()
        - x * (values * x).mean() / (np.square(x).mean())
    )
    if flat.std() < 1e-3 * max(1.0, np.abs(values).max()):
        return 1.0
    size = [2 * side for side in flat.shape]
    power = np.abs(np.fft.rfft2(flat, size)) ** 2
    overlap = np.fft.irfft2(np.abs(np.fft.rfft2(np.ones_like(flat), size)) ** 2, size)
    found = np.fft.irfft2(power, size) / np.maximum(overlap, 1) / flat.var()
    rows, cols = (side // 2 for side in flat.shape)  # the overlap is too small at larger lags
    found = np.fft.fftshift(found)
    middle = found.shape[0] // 2, found.shape[1] // 2
    found = found[middle[0] - rows : middle[0] + rows + 1, middle[1] - cols : middle[1] + cols + 1]
    inner = found[1:-1, 1:-1]
    around = [found[1 + i : found.shape[0] - 1 + i, 1 + j : found.shape[1] - 1 + j] for i, j in _AROUND]
    peaks = np.logical_and.reduce([inner >= other for other in around])
    y, x = np.mgrid[-rows + 1 : rows, -cols + 1 : cols]
    far = np.hypot(y, x) >= LAG
    return float(max(inner[peaks & far].max(initial=0.0), 0.0))


_AROUND = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if (i, j) != (0, 0)]
