"""Shadow leakage: how much of the sun is painted into a texture that should be flat.

Pictures of terrain are lit, mostly from the north-west. A texture without that light has no more to do with slopes
that face the sun than with any others. So the lightness of the texture is correlated with the hillshade of its own
heights, under the sun as it was baked into the training data and under suns all around. On terrain seen from above
the correlation goes with the azimuth a as m + A cos(a - φ): whatever has no direction (snow on summits, dark
valleys) is in m, and light from one side is in A.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from tasks.relief.shade.hillshade import hillshade

SUN = 315.0
"""Degrees from north: where cartographers' sun stands."""
AZIMUTHS = np.arange(0.0, 360.0, 15.0)


@dataclass(frozen=True)
class Leakage:
    """Correlations of lightness with hillshade.

    Attributes:
        curve: at each of `AZIMUTHS`. leak: that at the sun's azimuth, less the mean over all of them: 0 is flat.
        low, high: 95 % of the leaks of resampled tiles.
    """

    curve: np.ndarray
    leak: float
    low: float
    high: float


def leakage(
    color: np.ndarray, height: np.ndarray, labels: np.ndarray, gsd: float, draws: int, rng: np.random.Generator
) -> Leakage:
    """Leakage of pictures (n, H, W, 3) uint8 with heights (n, H, W) in metres and classes (n, H, W) uint8.

    Lightness and shade are each taken as what they differ from their mean over the same class in the same tile:
    the darkness of forests and the brightness of deserts then do not count as light. Level ground has no shade and is
    left out.
    """
    sums = np.stack([_sums(*tile, gsd) for tile in zip(color, height, labels, strict=True)])
    curve = _correlations(sums.sum(axis=0))
    draws_of = rng.integers(len(sums), size=(draws, len(sums)))
    leaks = np.array([_leak(_correlations(sums[chosen].sum(axis=0))) for chosen in draws_of])
    low, high = np.quantile(leaks, [0.025, 0.975])
    return Leakage(curve, _leak(curve), float(low), float(high))


def _sums(color: np.ndarray, height: np.ndarray, labels: np.ndarray, gsd: float) -> np.ndarray:
    """(azimuths, 3): sums of light · shade, light² and shade² over one tile."""
    lit = cv2.cvtColor(np.ascontiguousarray(color, np.float32) / np.float32(255), cv2.COLOR_RGB2LAB)[..., 0]
    # Of a hundredth of the true height: shade is then linear in the slope, and no slope turns from the sun.
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
