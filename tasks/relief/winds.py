"""The eight winds, which name directions, and the four lines between opposite winds."""

from __future__ import annotations

import numpy as np

WINDS = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")
GRAINS = ("north to south", "north-east to south-west", "east to west", "north-west to south-east")


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
