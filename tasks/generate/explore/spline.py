"""A closed path through points."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import CubicSpline


def closed_path(points: np.ndarray, between: int) -> np.ndarray:
    """`between` steps from each of the points (n, d) to the next and back to the first, float64 (n · between, d).

    The path is a periodic cubic spline through the points: its value, slope and curvature have no jump, also where the
    last step meets the first.

    Raises:
        ValueError: there are fewer than 3 points; such a path would go back the way it came.
    """
    if len(points) < 3:
        raise ValueError(f"a closed path needs 3 points or more, not {len(points)}")
    return spline(points)(np.arange(len(points) * between) / between)


def spline(points: np.ndarray) -> CubicSpline:
    """The path; point k is at k, and the first point again at n."""
    closed = np.concatenate([points, points[:1]]).astype(np.float64)
    return CubicSpline(np.arange(len(closed)), closed, bc_type="periodic")
