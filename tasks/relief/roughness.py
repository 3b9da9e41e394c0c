"""Terrain ruggedness index (TRI) and topographic position index (TPI), both in metres."""

from __future__ import annotations

import numpy as np


def tri(height: np.ndarray) -> np.ndarray:
    """Return the terrain ruggedness index: √Σ (neighbour - centre)² over 8 neighbours (Riley, DeGloria & Elliot 1999).

    Args:
        height: (..., H, W) metres.

    Returns:
        float32 (..., H-2, W-2) metres; NaN if the 3×3 window holds a NaN. It grows with the distance between
        neighbours, so compare it only at the same GSD.
    """
    h = np.asarray(height, np.float32)
    rows, cols = h.shape[-2] - 2, h.shape[-1] - 2
    centre = h[..., 1:-1, 1:-1]
    total = np.zeros_like(centre)
    for row in range(3):
        for col in range(3):
            total += (h[..., row : row + rows, col : col + cols] - centre) ** 2
    return np.sqrt(total)


def tpi(height: np.ndarray, radius: int) -> np.ndarray:
    """Return the topographic position index: height minus the mean of the other heights in the window (Weiss 2001).

    Args:
        height: (..., H, W) metres.
        radius: pixels; the window is (2 radius + 1)².

    Returns:
        float32 (..., H - 2 radius, W - 2 radius) metres, positive on crests; NaN if the window holds a NaN.

    Raises:
        ValueError: the window is empty or larger than the raster.
    """
    side = 2 * radius + 1
    h = np.asarray(height, np.float64)
    if radius < 1 or side > min(h.shape[-2:]):
        raise ValueError(f"tpi: radius {radius} does not fit a raster of {h.shape[-2:]}")
    rows, cols = h.shape[-2] - 2 * radius, h.shape[-1] - 2 * radius
    # Sums of shifted arrays, because a running total would carry a NaN to the end of its row.
    across = sum(h[..., :, step : step + cols] for step in range(side))
    window = sum(across[..., step : step + rows, :] for step in range(side))
    centre = h[..., radius : radius + rows, radius : radius + cols]
    return (centre - (window - centre) / (side**2 - 1)).astype(np.float32)
