"""What lies on the ground that a pixel sees: meadow, forest, rock, scree and snow, and how the sun lights it."""

from __future__ import annotations

import numpy as np

from tasks.acquire.sources.sample.ground.noise import mix, point_noise, ramp
from tasks.acquire.sources.sample.views.field import Field
from tasks.acquire.sources.sample.views.kinds import Light, Mountains

_SNOW = (240, 244, 250)


def shade(
    ground: Field, kind: Mountains, light: Light, sun: tuple[float, float, float], lit: np.ndarray,
    x: np.ndarray, y: np.ndarray, finest: np.ndarray, low: float, high: float,
) -> np.ndarray:  # fmt: skip
    """Colours float32 (n, 3) of ground at metres `x`, `y` (n,).

    Args:
        lit: grid of how much sun each point sees. finest: metres that a pixel covers there.
        low, high: metres between which the kind's shares of height are measured.
    """
    step = np.maximum(finest, 1.5)
    base, detail = ground.at(ground.height, x, y), ground.detail(x, y, finest)
    fine = [ground.detail(x + dx * step, y + dy * step, finest) - detail for dx, dy in ((1, 0), (0, 1))]
    far = np.float32(0.5 * ground.spacing)
    east = (ground.at(ground.height, x + far, y) - ground.at(ground.height, x - far, y)) / (2 * far) + fine[0] / step
    north = (ground.at(ground.height, x, y + far) - ground.at(ground.height, x, y - far)) / (2 * far) + fine[1] / step
    up = 1 / np.sqrt(1 + east * east + north * north)
    steep = np.sqrt(east * east + north * north)
    share = (base + detail - np.float32(low)) / np.float32(max(high - low, 1.0))
    seed = ground.seed
    blot = point_noise(x / 420, y / 420, seed + 20) * 0.6 + point_noise(x / 130, y / 130, seed + 21) * 0.4
    grain = _seen(finest, 9) * point_noise(x / 9, y / 9, seed + 22) + _seen(finest, 2.6) * point_noise(
        x / 2.6, y / 2.6, seed + 23
    )

    color = mix(kind.meadow[0], kind.meadow[1], ramp(-0.6, 0.6, blot + 0.3 * grain)) * (1 + 0.10 * grain)[..., None]
    layer = point_noise((base + detail) / 38 + 0.8 * blot, share * 0, seed + 24)
    rock = (
        mix(kind.rock[0], kind.rock[1], ramp(-0.5, 0.5, blot + 0.35 * grain))
        * (1 + kind.bands * layer + 0.22 * grain + 0.14 * blot)[..., None]
    )
    scree = mix(rock, np.array(kind.rock[0]) * 1.18, 0.6)
    bare = ramp(0.42, 0.75, steep + 0.12 * blot + 0.35 * (share - kind.trees))
    color = mix(color, mix(scree, rock, ramp(0.55, 0.9, steep)), bare)
    crowns = _seen(finest, 11) * point_noise(x / 11, y / 11, seed + 25) + _seen(finest, 4.5) * point_noise(
        x / 4.5, y / 4.5, seed + 26
    )
    wooded = point_noise(x / 900, y / 900, seed + 27) * 0.5 + 0.5 + 0.35 * blot
    forest = ramp(1.05 - kind.wooded - 0.1, 1.15 - kind.wooded + 0.1, wooded + 0.12 * crowns)
    forest *= ramp(kind.trees + 0.06, kind.trees - 0.08, share + 0.07 * blot) * ramp(1.35, 0.95, steep)
    leaves = mix(kind.forest[0], kind.forest[1], ramp(-0.5, 0.6, crowns + 0.6 * blot)) * (1 + 0.28 * crowns)[..., None]
    color = mix(color, leaves, forest)
    snow = ramp(kind.snow - 0.08, kind.snow + 0.12, share + 0.10 * blot + 0.03 * grain - 0.06 * (north > 0))
    wall = np.sqrt((east - fine[0] / step * 0.6) ** 2 + (north - fine[1] / step * 0.6) ** 2)
    snow *= ramp(1.35, 0.80, wall + 0.10 * grain + 0.08 * layer) * (1 - 0.72 * forest)
    color = mix(color, _SNOW, snow)

    facing = np.clip((up * (sun[2] - east * sun[0] - north * sun[1])), 0, 1)
    direct = facing * ground.at(lit, x, y) * np.float32(1.12 * light.direct)
    hollow = 0.72 + 0.28 * up + 0.08 * np.clip(detail / (6 * ground.rough), -1, 1)
    from_sun = np.array(light.sun, np.float32) / 255 * direct[..., None]
    from_sky = np.array(light.ambient, np.float32) / 255 * np.float32(0.86) * hollow[..., None]
    return color * (from_sun + from_sky)


def _seen(finest: np.ndarray, wave: float) -> np.ndarray:
    """How much of a wave is left where a pixel covers `finest` metres."""
    return np.clip(np.float32(wave) / finest - np.float32(0.6), 0, 1)
