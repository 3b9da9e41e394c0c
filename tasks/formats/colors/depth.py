"""Samples of any depth as bytes."""

from __future__ import annotations

import numpy as np

HALF = 128
"""Alpha, in bytes, from which a pixel counts as opaque."""


def to_bytes(samples: np.ndarray, low: float, high: float) -> np.ndarray:
    """Samples scaled so that `low` is 0 and `high` is 255, rounded and clipped, as uint8. NaN becomes 0."""
    if samples.dtype == np.uint8 and (low, high) == (0, 255):
        return samples
    if samples.dtype.kind == "u" and samples.dtype.itemsize <= 2:  # a table is faster and takes no float copy
        return _scaled(np.arange(1 << 8 * samples.dtype.itemsize), low, high)[samples]
    return _scaled(samples, low, high)


def _scaled(samples: np.ndarray, low: float, high: float) -> np.ndarray:
    scaled = (samples.astype(np.float64) - low) * 255 / (high - low)
    return np.rint(np.clip(np.nan_to_num(scaled), 0, 255)).astype(np.uint8)
