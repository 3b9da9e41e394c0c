"""Hillshade and hypsometric tints: how every picture of heights in Landloom is drawn."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from tasks.relief.shade.slope import gradient

_LAND = [(0.0, "#3f6f4a"), (0.12, "#7f9f5c"), (0.3, "#d8cf94"), (0.55, "#b08a5b"), (0.8, "#8d7567"), (1.0, "#f7f5f2")]
TINTS = LinearSegmentedColormap.from_list("hypsometric", _LAND, N=256)
SEA = (0.36, 0.52, 0.66)
VOID = (1.0, 0.2, 0.8)  # a colour no terrain has


def hillshade(height: np.ndarray, gsd: float, azimuth: float = 315.0, altitude: float = 45.0) -> np.ndarray:
    """Lambertian shading in 0..1, float32 of the same shape (..., H, W); NaN next to voids.

    Args:
        height: metres, row 0 in the north. gsd: metres a pixel.
        azimuth, altitude: the sun, in degrees from north and above the horizon.
    """
    pad = [(0, 0)] * (np.ndim(height) - 2) + [(1, 1), (1, 1)]
    dx, dy = gradient(np.pad(height, pad, mode="edge"), gsd)
    a, e = np.radians(azimuth), np.radians(altitude)
    sun = np.sin(e) - np.cos(e) * (np.sin(a) * dx + np.cos(a) * dy)
    return np.clip(sun / np.sqrt(1 + dx**2 + dy**2), 0, 1).astype(np.float32)


def shaded_relief(
    height: np.ndarray, gsd: float, low: float | None = None, high: float | None = None, exaggeration: float = 1.0
) -> np.ndarray:
    """Tinted hillshade as uint8 (H, W, 3). `low`..`high` metres span the tints (default: the array's own)."""
    known = height[np.isfinite(height)]
    low = float(known.min()) if low is None and known.size else (low or 0.0)
    high = float(known.max()) if high is None and known.size else (high or 1.0)
    rgb = TINTS((height - low) / max(high - low, 1e-6))[..., :3]
    rgb = np.where((height == 0)[..., None] & (low <= 0), SEA, rgb)
    rgb = rgb * (0.35 + 0.75 * np.nan_to_num(hillshade(height * exaggeration, gsd), nan=0.5))[..., None]
    rgb = np.where(np.isfinite(height)[..., None], rgb, VOID)
    return (np.clip(rgb, 0, 1) * 255).astype(np.uint8)
