"""Gradient, slope and aspect by Horn's 3×3 method (Horn 1981, Proc. IEEE 69(1), eqs. 1-2)."""

from __future__ import annotations

import numpy as np


def gradient(height: np.ndarray, gsd: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the change of height per metre towards the east and towards the north.

    Args:
        height: (..., H, W) metres, row 0 in the north.
        gsd: metres a pixel.

    Returns:
        Two float32 arrays (..., H-2, W-2). The border has no full neighbourhood and is left out. A pixel is NaN if
        a neighbour is NaN.
    """
    h = np.asarray(height, np.float32)
    west, east = h[..., :, :-2], h[..., :, 2:]
    across = east - west
    dx = (across[..., :-2, :] + 2 * across[..., 1:-1, :] + across[..., 2:, :]) / np.float32(8 * gsd)
    north, south = h[..., :-2, :], h[..., 2:, :]
    along = north - south
    dy = (along[..., :, :-2] + 2 * along[..., :, 1:-1] + along[..., :, 2:]) / np.float32(8 * gsd)
    return dx, dy


def slope_degrees(height: np.ndarray, gsd: float) -> np.ndarray:
    """Return the slope in degrees, float32 (..., H-2, W-2). Arguments are those of `gradient`."""
    dx, dy = gradient(height, gsd)
    return np.degrees(np.arctan(np.hypot(dx, dy)))


def aspect_degrees(height: np.ndarray, gsd: float) -> np.ndarray:
    """Return the compass direction of the descent in degrees, float32 (..., H-2, W-2), 90° for east; NaN if flat.

    Values are at least 0° and below 360°. Arguments are those of `gradient`.
    """
    dx, dy = gradient(height, gsd)
    aspect = np.degrees(np.arctan2(-dx, -dy)) % 360
    aspect[aspect == 360] = 0  # a direction slightly west of north can round up to 360
    return np.where((dx == 0) & (dy == 0), np.float32(np.nan), aspect)
