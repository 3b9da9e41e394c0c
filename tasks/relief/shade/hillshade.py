"""Hillshade and hypsometric tints, which all pictures of heights use."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from tasks.relief.shade.slope import gradient

_LAND = [(0.0, "#3f6f4a"), (0.12, "#7f9f5c"), (0.3, "#d8cf94"), (0.55, "#b08a5b"), (0.8, "#8d7567"), (1.0, "#f7f5f2")]
TINTS = LinearSegmentedColormap.from_list("hypsometric", _LAND, N=256)
SEA = (0.36, 0.52, 0.66)
VOID = (1.0, 0.2, 0.8)  # a colour that does not occur in terrain


def hillshade(height: np.ndarray, gsd: float, azimuth: float = 315.0, altitude: float = 45.0) -> np.ndarray:
    """Return Lambertian shading in 0..1, float32 (..., H, W); NaN next to voids.

    Args:
        height: (..., H, W) metres, row 0 in the north.
        gsd: metres a pixel.
        azimuth, altitude: position of the sun in degrees, clockwise from north and above the horizon.
    """
    pad = [(0, 0)] * (np.ndim(height) - 2) + [(1, 1), (1, 1)]
    dx, dy = gradient(np.pad(height, pad, mode="edge"), gsd)
    a, e = np.radians(azimuth), np.radians(altitude)
    sun = np.sin(e) - np.cos(e) * (np.sin(a) * dx + np.cos(a) * dy)
    return np.clip(sun / np.sqrt(1 + dx**2 + dy**2), 0, 1).astype(np.float32)


def shaded_relief(
    height: np.ndarray, gsd: float, low: float | None = None, high: float | None = None, exaggeration: float = 1.0
) -> np.ndarray:
    """Draw a tinted hillshade, RGB uint8 (H, W, 3).

    Args:
        height: (H, W) metres, row 0 in the north, NaN for void.
        gsd: metres a pixel.
        low, high: heights in metres of the first and the last tint; None for the range of `height`.
        exaggeration: factor on the heights for the shading.
    """
    known = height[np.isfinite(height)]
    low = float(known.min()) if low is None and known.size else (low or 0.0)
    high = float(known.max()) if high is None and known.size else (high or 1.0)
    rgb = TINTS((height - low) / max(high - low, 1e-6))[..., :3]
    rgb = np.where((height == 0)[..., None] & (low <= 0), SEA, rgb)
    rgb = rgb * (0.35 + 0.75 * np.nan_to_num(hillshade(height * exaggeration, gsd), nan=0.5))[..., None]
    rgb = np.where(np.isfinite(height)[..., None], rgb, VOID)
    return (np.clip(rgb, 0, 1) * 255).astype(np.uint8)
