"""Features of a pixel and its surroundings that mean the same in every scene.

Latitude is no feature, because classes would become zones of latitude. Colours are ratios of channels, in which the
shading of relief cancels (see `light`). Distances are in pixels, so scenes must have one GSD. Scenes without heights
have one more kind of texture, the roughness of their lightness: crowns, roofs and water differ in it. With heights it
would repeat the relief.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from tasks.relief.roughness import tri
from tasks.relief.shade.slope import gradient

DARK = 16.0  # grey levels added before a ratio, because a ratio of dark values is mostly noise


def feature_names(layers: Sequence[str], radii: Sequence[int], use_lightness: bool) -> list[str]:
    """Names of the planes that `features` gives, in its order."""
    names = []
    if "height" in layers:
        names += ["height", "slope", "tri", *(f"tpi_{r}" for r in radii), *(f"relief_{r}" for r in radii)]
    if "color" in layers:
        near = ["red_green", "blue_green", "excess_green"]
        names += [*near, *(f"{name}_{radii[0]}" for name in near), *(f"texture_{r}" for r in radii[:2])]
        names += [] if "height" in layers else [f"texture_light_{r}" for r in radii[:2]]
        names += ["lightness"] if use_lightness else []
    return names


def margin(radii: Sequence[int]) -> int:
    """Radius in pixels on which a feature depends: means of values that are differences from means."""
    return 2 * max(radii) + 1


def features(
    height: np.ndarray | None,
    color: np.ndarray | None,
    light: np.ndarray | None,
    gsd: float | None,
    radii: Sequence[int],
) -> np.ndarray:
    """Planes named by `feature_names`, float32 (F, H, W).

    Args:
        height: (H, W) metres without NaN, or None. color: uint8 (3, H, W) without voids, or None.
        light: (H, W) lightness of the ground itself; None leaves the plane `lightness` out.
        gsd: metres a pixel; needed with heights.
        radii: pixels, rising: neighbourhoods are squares of 2 r + 1.
    """
    planes: list[np.ndarray] = []
    if height is not None:
        planes += _height_planes(height, float(gsd), radii)
    if color is not None:
        planes += _color_planes(color, radii)
    if color is not None and height is None:
        planes += _roughness(color, radii[:2])
    if light is not None:
        planes.append(_mean(light, 1))
    return np.stack(planes)


def _height_planes(height: np.ndarray, gsd: float, radii: Sequence[int]) -> list[np.ndarray]:
    """Features are logarithms, because relief of 10 m matters on a plain and not on a mountain."""
    padded = cv2.copyMakeBorder(height, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    dx, dy = gradient(padded, gsd)
    over = [height - _mean(height, radius) for radius in radii]  # TPI, Weiss 2001
    # Unevenness is the mean square of the TPI. A variance of heights in float32 would lose metres of relief at
    # heights of thousands of metres.
    uneven = [np.sqrt(np.maximum(_mean(tpi**2, radius), 0)) for tpi, radius in zip(over, radii, strict=True)]
    return [
        _log(height),
        np.log1p(100 * np.hypot(dx, dy)),
        np.log1p(tri(padded)),
        *map(_log, over),
        *map(np.log1p, uneven),
    ]


def _color_planes(color: np.ndarray, radii: Sequence[int]) -> list[np.ndarray]:
    """Medians, because a mean at a shore matches neither side, and every coast would become its own class."""
    planes: list[np.ndarray] = []
    for radius in (1, radii[0]):
        red, green, blue = (cv2.medianBlur(np.ascontiguousarray(band), 2 * radius + 1) for band in color)
        planes += _ratios(red, green, blue)
    fine = _ratios(*color)[:2]
    away = sum(np.abs(plane - middle) for plane, middle in zip(fine, planes[3:5], strict=True))
    return [*planes, *(np.log1p(100 * np.maximum(_mean(away, radius), 0)) for radius in radii[:2])]


def _roughness(color: np.ndarray, radii: Sequence[int]) -> list[np.ndarray]:
    """How much the logarithm of lightness varies around each pixel (standard deviation, as log1p of percent)."""
    light = np.log(color.astype(np.float32).mean(axis=0) + np.float32(DARK))
    away = [np.square(light - _mean(light, radius)) for radius in radii]
    return [np.log1p(100 * np.sqrt(_mean(square, radius))) for square, radius in zip(away, radii, strict=True)]


def _ratios(red: np.ndarray, green: np.ndarray, blue: np.ndarray) -> list[np.ndarray]:
    """log R/G, log B/G, and the excess green ExG of Woebbecke et al. 1995 on chromaticities; float32."""
    red, green, blue = (band.astype(np.float32) + np.float32(DARK) for band in (red, green, blue))
    return [np.log(red / green), np.log(blue / green), (2 * green - red - blue) / (red + green + blue)]


def _log(values: np.ndarray) -> np.ndarray:
    """Signed logarithm of metres, 0 at 0."""
    return np.copysign(np.log1p(np.abs(values)), values)


def _mean(plane: np.ndarray, radius: int) -> np.ndarray:
    side = 2 * radius + 1
    return cv2.blur(plane, (side, side), borderType=cv2.BORDER_REFLECT_101)
