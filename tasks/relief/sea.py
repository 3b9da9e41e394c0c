"""Where the sea is, by heights alone."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import binary_dilation, binary_erosion


def flat_sea(heights: np.ndarray) -> np.ndarray:
    """The sea of measured heights, bool: pixels at 0 m in patches of at least 3×3, since only water is flat at 0 m.

    Args:
        heights: (N, H, W) metres, NaN for void.
    """
    return _patches(heights == 0)


def low_sea(heights: np.ndarray) -> np.ndarray:
    """The sea of generated heights, bool: pixels at or below 0 m in patches of at least 3×3.

    A model makes water that is not exactly flat.

    Args:
        heights: (N, H, W) metres.
    """
    return _patches(heights <= 0)


def _patches(mask: np.ndarray) -> np.ndarray:
    """The pixels of (N, H, W) in patches of at least 3×3 (a morphological opening)."""
    square = np.ones((1, 3, 3), bool)
    return binary_dilation(binary_erosion(mask, square, border_value=1), square) & mask
