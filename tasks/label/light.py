"""Remove the shading from a picture of relief: fit the light with the heights, and divide by it.

A shaded map shows I = albedo · (ambient + k · max(0, n·L)): the colour of the ground, lit from one side (Lambert).
Classes must follow the ground and not the side of the mountain, so features use ratios of channels, where the light
cancels. One feature needs lightness, because snow and pale sand have nearly the same ratios. It uses lightness
divided by the light.

Colours vary over a scene far more than light does. So ambient and k are fitted to differences from the mean of each
pixel's surroundings, because a difference between whole areas says nothing about the light.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from tasks.relief.shade.hillshade import hillshade

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
DARKEST = 8.0  # grey levels; below it a ratio of lightness is noise
EXAGGERATIONS = (1.0, 3.0, 10.0, 30.0)
"""Candidate exaggerations: maps are shaded from multiplied heights, and the factor that fits best is chosen."""


class Light(NamedTuple):
    """I / albedo = ambient + strength · shade, 1 on level ground; `exaggeration` of the heights; `r2` of the fit."""

    ambient: float
    strength: float
    exaggeration: float
    r2: float


NO_LIGHT = Light(1.0, 0.0, 1.0, 0.0)


def fit_light(
    height: np.ndarray, lightness: np.ndarray, gsd: float, azimuth: float, altitude: float, radius: int
) -> Light:
    """Least squares of lightness on shade over one scene.

    Args:
        height: (H, W) metres without NaN. lightness: (H, W) grey levels; 0 where there is no picture.
        azimuth, altitude: the map's sun, degrees. radius: of the surroundings, in pixels.

    Returns:
        `NO_LIGHT` where lightness does not rise with the shade, because then there is no such light.
    """
    mean = _mean(lightness, radius)
    lit = (lightness > DARKEST) & (mean > DARKEST)
    if lit.sum() < 100:
        return NO_LIGHT
    contrast = (lightness / np.maximum(mean, DARKEST) - 1)[lit].astype(np.float64)
    level = float(np.sin(np.radians(altitude)))
    best = NO_LIGHT
    for exaggeration in EXAGGERATIONS:
        shade = hillshade(height * exaggeration, gsd, azimuth, altitude)
        around = _mean(shade, radius)[lit].astype(np.float64)
        # On ground of one colour I / mean(I) - 1 = k (s - mean(s)) / (ambient + k mean(s)). With level ground at 1
        # that is linear in k: contrast = k ((s - mean(s)) - contrast (mean(s) - level)).
        relief = (shade[lit] - around) - contrast * (around - level)
        power, total = float(relief @ relief), float(contrast @ contrast)
        if power <= 1e-9 or total <= 1e-9:
            continue
        along = float(relief @ contrast)
        strength = min(max(along / power, 0.0), 1 / level)  # ambient light cannot be negative
        r2 = strength * (2 * along - strength * power) / total
        if r2 > best.r2:
            best = Light(1 - strength * level, strength, exaggeration, r2)
    return best


def flatten(
    lightness: np.ndarray, height: np.ndarray, gsd: float, light: Light, azimuth: float, altitude: float
) -> np.ndarray:
    """Lightness as on level ground, float32 (H, W)."""
    if light.strength == 0:
        return lightness
    shade = hillshade(height * np.float32(light.exaggeration), gsd, azimuth, altitude)
    # Maps shade down to about a third; division by less would amplify noise.
    return lightness / np.maximum(light.ambient + light.strength * shade, 1 / 3).astype(np.float32)


def lightness(color: np.ndarray) -> np.ndarray:
    """Luma of uint8 or float (3, H, W), float32 (H, W)."""
    red, green, blue = (band.astype(np.float32) for band in color)
    return LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue


def _mean(array: np.ndarray, radius: int) -> np.ndarray:
    return cv2.blur(array, (2 * radius + 1, 2 * radius + 1), borderType=cv2.BORDER_REFLECT_101)
