"""Shadow leakage: the amount of sunlight in a texture that should be flat.

Pictures of terrain are lit, mostly from the north-west. The lightness of a texture without that light depends on
slopes that face the sun no more than on other slopes. So the lightness of the texture is correlated with the
hillshade of its own heights. The hillshade is computed for the sun of the training data and for suns at azimuths all
around. For terrain seen from above, the correlation is m + A cos(a - φ) at azimuth a. Effects without a direction
(snow on summits, dark valleys) are in m. Light from one side is in A.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from tasks.relief.shade.hillshade import hillshade

SUN = 315.0
"""Azimuth of the sun in cartography, in degrees from north."""
AZIMUTHS = np.arange(0.0, 360.0, 15.0)


@dataclass(frozen=True)
class Leakage:
    """Correlations of lightness with hillshade.

    Attributes:
        curve: correlation at each of `AZIMUTHS`. leak: correlation at the sun's azimuth minus the mean of the curve;
            0 means a flat texture. low, high: range of 95 % of the leaks of resampled tiles.
    """

    curve: np.ndarray
    leak: float
    low: float
    high: float


def leakage(
    color: np.ndarray, height: np.ndarray, labels: np.ndarray, gsd: float, draws: int, rng: np.random.Generator
) -> Leakage:
    """Leakage of pictures (n, H, W, 3) uint8 with heights (n, H, W) in metres and classes (n, H, W) uint8.

    The mean over the same class in the same tile is subtracted from lightness and from shade. So dark forests and
    bright deserts do not count as light. Level ground has no shade and is left out.
    """
    sums = np.stack([_sums(*tile, gsd) for tile in zip(color, height, labels, strict=True)])
    curve = _correlations(sums.sum(axis=0))
    draws_of = rng.integers(len(sums), size=(draws, len(sums)))
    leaks = np.array([_leak(_correlations(sums[chosen].sum(axis=0))) for chosen in draws_of])
    low, high = np.quantile(leaks, [0.025, 0.975])
    return Leakage(curve, _leak(curve), float(low), float(high))


def _sums(color: np.ndarray, height: np.ndarray, labels: np.ndarray, gsd: float) -> np.ndarray:
    """Sums of light · shade, light² and shade² over one tile, (azimuths, 3)."""
    lit = cv2.cvtColor(np.ascontiguousarray(color, np.float32) / np.float32(255), cv2.COLOR_RGB2LAB)[..., 0]
    # Heights are divided by 100. Shade is then linear in the slope, and no slope faces away from the sun.
    shades = np.stack([hillshade(height / 100, gsd, azimuth) for azimuth in (0.0, 90.0)])
    level = hillshade(np.zeros((3, 3), np.float32), gsd)[1, 1]
    slopes = (shades.astype(np.float64) - level).reshape(2, -1)
    uneven = (np.abs(slopes) > 1e-7).any(axis=0)
    if not uneven.any():
        return np.zeros((len(AZIMUTHS), 3))
    group = labels.reshape(-1)[uneven].astype(np.int64)
    light = _from_group_mean(lit.reshape(-1)[uneven].astype(np.float64), group)
    north, east = (_from_group_mean(values[uneven], group) for values in slopes)
    turned = np.radians(AZIMUTHS)[:, None]
    shade = np.cos(turned) * north + np.sin(turned) * east
    power = np.full(len(AZIMUTHS), np.square(light).sum())
    return np.stack([shade @ light, power, np.square(shade).sum(axis=1)], axis=1)


def _from_group_mean(values: np.ndarray, group: np.ndarray) -> np.ndarray:
    total, count = np.bincount(group, values), np.bincount(group)
    return values - (total / np.maximum(count, 1))[group]


def _correlations(sums: np.ndarray) -> np.ndarray:
    scale = np.sqrt(sums[:, 1] * sums[:, 2])
    return np.divide(sums[:, 0], scale, out=np.zeros_like(scale), where=scale > 0)


def _leak(curve: np.ndarray) -> float:
    return float(curve[AZIMUTHS == SUN][0] - curve.mean())
