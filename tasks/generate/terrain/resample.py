"""Heights with another number of points over the same ground.

Engines require grids of certain sizes. The first and last points of a grid lie on the terrain's edge, so resampling
keeps these points in place. (Image libraries keep the outer edges of pixels, which moves the terrain by half a pixel.)
The kernel is Keys' cubic (Keys 1981, IEEE TASSP 29(6), equation 15 with a = -1/2). A smaller grid gets a wider kernel,
so details finer than the new grid cannot alias.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix


def resample(height: np.ndarray, rows: int, cols: int) -> np.ndarray:
    """Resample float32 (H, W) metres to float32 (rows, cols), within the range of the input."""
    if height.shape == (rows, cols):
        return height
    metres = height.astype(np.float64)
    metres = _weights(metres.shape[0], rows) @ metres
    metres = (_weights(metres.shape[1], cols) @ metres.T).T
    # A cubic overshoots at cliffs; clipping keeps the sea level and a shared range valid.
    return np.clip(metres, height.min(), height.max()).astype(np.float32)


def _weights(old: int, new: int) -> csr_matrix:
    """Sparse matrix (new, old). Each new point is a weighted mean of old points."""
    at = np.linspace(0, old - 1, new)
    stretch = max(1.0, (old - 1) / max(new - 1, 1))
    reach = int(np.ceil(2 * stretch))
    taps = np.floor(at).astype(int)[:, None] + np.arange(-reach, reach + 2)
    weights = _keys((at[:, None] - taps) / stretch)
    weights /= weights.sum(axis=1, keepdims=True)
    # The terrain continues beyond the edge as its point reflection, 2·h(edge) - h(inside). This keeps slopes.
    edge = np.clip(taps, 0, old - 1)
    inside = np.clip(2 * edge - taps, 0, old - 1)
    lines = np.broadcast_to(np.arange(new)[:, None], taps.shape)
    outside = np.where(taps == edge, 0.0, weights)
    values = np.concatenate([(weights + outside).ravel(), -outside.ravel()])
    places = (np.tile(lines.ravel(), 2), np.concatenate([edge.ravel(), inside.ravel()]))
    return csr_matrix((values, places), shape=(new, old))


def _keys(x: np.ndarray) -> np.ndarray:
    x = np.abs(x)
    near, far = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))
