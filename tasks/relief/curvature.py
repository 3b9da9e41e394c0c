"""Profile and plan curvature by Zevenbergen & Thorne (1987), Earth Surf. Process. Landforms 12, 47-56.

The partial quartic surface of the paper, z = Ax²y² + Bx²y + Cxy² + Dx² + Ey² + Fxy + Gx + Hy + I, fits all nine heights
of a 3×3 window exactly. D to H are the letters of the paper; x points east, y points north.

Positive curvature is convex. If the slope increases downhill, the profile curvature is positive. On a spur, where flow
lines diverge, the plan curvature is positive. Both curvatures are negative in hollows and on valley floors.
"""

from __future__ import annotations

import numpy as np


def profile_curvature(height: np.ndarray, gsd: float) -> np.ndarray:
    """Return the curvature along the steepest descent: -2 (DG² + EH² + FGH) / (G² + H²).

    Args:
        height: (..., H, W) metres, row 0 in the north.
        gsd: metres a pixel.

    Returns:
        float32 (..., H-2, W-2) in 1/m. The border has no full window and is left out. Level ground has no
        direction of descent and gets 0. A window that holds a NaN gives NaN.
    """
    d, e, f, g, h = _surface(height, gsd)
    return _over_gradient(-2 * (d * g**2 + e * h**2 + f * g * h), g, h)


def plan_curvature(height: np.ndarray, gsd: float) -> np.ndarray:
    """Return the curvature across the steepest descent: -2 (DH² + EG² - FGH) / (G² + H²).

    Arguments and result are those of `profile_curvature`. The paper uses the opposite sign for plan curvature.
    """
    d, e, f, g, h = _surface(height, gsd)
    return _over_gradient(-2 * (d * h**2 + e * g**2 - f * g * h), g, h)


def _surface(height: np.ndarray, gsd: float) -> tuple[np.ndarray, ...]:
    """Return the coefficients D, E, F (1/m) and G, H (m/m) of the surface of each window."""
    z = np.asarray(height, np.float64)  # float32 has too few digits for second differences of heights in the thousands
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
