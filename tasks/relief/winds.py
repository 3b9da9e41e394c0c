"""Directions in degrees, and the winds that name them."""

from __future__ import annotations

import numpy as np

from tasks.formats.tables.wind_names import WINDS


def bearing(east: float, north: float) -> float:
    """The direction in degrees clockwise from north, from 0 to below 360."""
    return float(np.degrees(np.arctan2(east, north)) % 360)


def wind(east: float, north: float) -> str:
    """The nearest of the eight winds."""
    return WINDS[round(bearing(east, north) / 45) % 8]


def away(one: str, other: str) -> int:
    """Steps of 45° between two winds, 0 to 4."""
    steps = abs(WINDS.index(one) - WINDS.index(other))
    return min(steps, 8 - steps)
