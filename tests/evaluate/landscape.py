"""Landscapes that are not noise: made by warping and folding noise, so that ridges are sharp and valleys wide."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

GSD = 90.0


def landscapes(count: int, seed: int, side: int = 32) -> np.ndarray:
    """float32 (count, side, side) metres; relief from tens to hundreds of metres."""
    rng = np.random.default_rng([9, seed])
    out = np.empty((count, side, side), np.float32)
    for index in range(count):
        field = sum(
            gaussian_filter(rng.standard_normal((3 * side, 3 * side)), sigma) * sigma**1.6 for sigma in (2, 4, 8)
        )[side : 2 * side, side : 2 * side]
        ridges = np.exp(-2.5 * np.abs(field) / field.std())
        out[index] = rng.uniform(100, 900) + np.exp(rng.uniform(3.5, 6)) * ridges
    return out
