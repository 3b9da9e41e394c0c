"""Landscapes of known form, float32 heights in metres; x is the column (east), y is the row (south)."""

from __future__ import annotations

import numpy as np


def grid(side: int = 33, gsd: float = 10.0) -> tuple[np.ndarray, np.ndarray]:
    """Metres east and metres north of the middle pixel."""
    steps = (np.arange(side) - side // 2) * gsd
    return np.meshgrid(steps, -steps)


def plane(east: float, north: float, side: int = 33, gsd: float = 10.0) -> np.ndarray:
    """Return a plane with the given slopes (m/m) towards the east and the north."""
    x, y = grid(side, gsd)
    return (500 + east * x + north * y).astype(np.float32)


def cone(steep: float = 0.5, side: int = 33, gsd: float = 10.0) -> np.ndarray:
    """Return a cone with its peak in the middle."""
    x, y = grid(side, gsd)
    return (1000 - steep * np.hypot(x, y)).astype(np.float32)


def roof(steep: float = 0.5, side: int = 33, gsd: float = 10.0) -> np.ndarray:
    """A level ridge from west to east with two even flanks."""
    _, y = grid(side, gsd)
    return (1000 - steep * np.abs(y)).astype(np.float32)


def trough(steep: float = 0.5, fall: float = 0.05, side: int = 33, gsd: float = 10.0) -> np.ndarray:
    """A straight V-shaped valley that falls to the south."""
    x, y = grid(side, gsd)
    return (1000 + steep * np.abs(x) + fall * y).astype(np.float32)
