"""Profile and plan curvature by Zevenbergen & Thorne (1987), Earth Surf. Process. Landforms 12, 47-56.

Their partial quartic surface z = Ax²y² + Bx²y + Cxy² + Dx² + Ey² + Fxy + Gx + Hy + I goes through all nine
heights of a 3×3 window. D to H are the paper's letters; x points east, y north.

Signs: positive curvature is convex. A ridge line across the slope has positive profile curvature (the slope
grows downhill), a spur has positive plan curvature (flow lines part); hollows and valley floors are negative.
"""

from __future__ import annotations

import numpy as np


def profile_curvature(height: np.ndarray, gsd: float) -> np.ndarray:
    """Curvature along the steepest descent: -2 (DG² + EH² + FGH) / (G² + H²).

    Args:
        height: (..., H, W) metres, row 0 in the north.
        gsd: metres a pixel.

    Returns:
        float32 (..., H-2, W-2) in 1/m: the border has no full window and is left out. 0 where the ground
        is level (it has no direction of descent), NaN wherever the window holds a NaN.
    """
    d, e, f, g, h = _surface(height, gsd)
    return _over_gradient(-2 * (d * g**2 + e * h**2 + f * g * h), g, h)


def plan_curvature(height: np.ndarray, gsd: float) -> np.ndarray:
    """Curvature across the steepest descent: -2 (DH² + EG² - FGH) / (G² + H²); arguments as above.

    The paper gives it with the other sign, so that convex profiles and convex plans differ in sign there.
    """
    d, e, f, g, h = _surface(height, gsd)
    return _over_gradient(-2 * (d * h**2 + e * g**2 - f * g * h), g, h)


def _surface(height: np.ndarray, gsd: float) -> tuple[np.ndarray, ...]:
    """Coefficients D, E, F (1/m) and G, H (m/m) of every window's surface."""
    z = np.asarray(height, np.float64)  # second differences of kilometres leave float32 too few digits
    nw, n, ne = z[..., :-2, :-2], z[..., :-2, 1:-1], z[..., :-2, 2:]
    w, c, e = z[..., 1:-1, :-2], z[..., 1:-1, 1:-1], z[..., 1:-1, 2:]
    sw, s, se = z[..., 2:, :-2], z[..., 2:, 1:-1], z[..., 2:, 2:]
    return (
        ((w + e) / 2 - c) / gsd**2,  # D
        ((n + s) / 2 - c) / gsd**2,  # E
        (ne - nw + sw - se) / (4 * gsd**2),  # F
        (e - w) / (2 * gsd),  # G
        (n - s) / (2 * gsd),  # H
    )


def _over_gradient(numerator: np.ndarray, g: np.ndarray, h: np.ndarray) -> np.ndarray:
    square = g**2 + h**2
    level = square == 0
    return np.where(level, 0 * numerator, numerator / np.where(level, 1, square)).astype(np.float32)
