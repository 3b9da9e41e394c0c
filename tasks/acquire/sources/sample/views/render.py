"""One view: ground, lake, trees and sky put together, with the air between."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from tasks.acquire.sources.sample.ground.noise import mix, point_noise, ramp, uniform
from tasks.acquire.sources.sample.ground.places import Place, Wanted
from tasks.acquire.sources.sample.views.camera import Camera, Hits, look, stand
from tasks.acquire.sources.sample.views.cover import shade
from tasks.acquire.sources.sample.views.field import Field, field, sunlit
from tasks.acquire.sources.sample.views.kinds import LIGHTS, MOUNTAINS, Light
from tasks.acquire.sources.sample.views.sky import sky
from tasks.acquire.sources.sample.views.trees import plant

WANTED = Wanted(14_000, mean=(250, 4500), relief=(900, 6000), latitude=75)
PER_PLACE = 2
"""Views of one place: the ground takes as long as a view of it."""
_SHAPES = ((1.0, 0.667), (1.0, 0.75), (1.0, 0.667), (0.75, 1.0), (1.0, 0.5625))
_DEEP = (28, 54, 64)

_field = lru_cache(2)(field)


def view(place: Place, number: int, longest: int, planet_seed: int) -> np.ndarray:
    """View `number` of a place, uint8 (H, W, 3), `longest` pixels along its longest side."""
    rng = np.random.default_rng((place.seed, number))
    kind, light = (
        MOUNTAINS[int(rng.integers(len(MOUNTAINS)))],
        LIGHTS[int(rng.choice(len(LIGHTS), p=(0.28, 0.26, 0.18, 0.1, 0.08, 0.1)))],
    )
    wide, tall = _SHAPES[int(rng.integers(len(_SHAPES)))]
    ground = _field(place, kind.rough, planet_seed)
    middle = ground.height[40:-40, 40:-40]
    low, high = (float(value) for value in np.percentile(middle, [4, 99.6]))
    water = low + 0.02 * (high - low) if rng.random() < 0.4 else None
    camera = stand(ground, round(longest * wide), round(longest * tall), rng, water)
    sun = _sun(light, camera, rng)
    hits = look(camera, ground, water)
    color = sky(camera, light, sun, float(rng.uniform(*light.clouds)), place.seed % 7919 + number)
    clear = float(rng.uniform(*light.clear_km)) * 1000
    seen = hits.ground
    finest = hits.depth[seen] * np.float32(1.6 / camera.focal)
    lit = sunlit(ground, sun)
    land = shade(ground, kind, light, sun, lit, hits.x[seen], hits.y[seen], finest, low, high)
    backdrop = color.copy()
    color[seen] = _air(land, hits.depth[seen], _height(ground, hits, seen), clear, low, high, light, rng)
    if water is not None:
        _lake(color, backdrop, camera, ground, hits, water, clear, light, place.seed % 6007)
    image = np.clip(color, 0, 255).astype(np.uint8)
    plant(image, camera, hits, ground, kind, light, lit, clear, low, high, water, rng)
    return _develop(image, place.seed + number, rng)


def _sun(light: Light, camera: Camera, rng: np.random.Generator) -> tuple[float, float, float]:
    """The sun's direction (east, north, up): from a side, sometimes from ahead or from behind."""
    rise = np.tan(np.radians(rng.uniform(*light.altitude)))
    ahead, aside = float(rng.uniform(-0.9, 0.8)), float(rng.choice([-1.0, 1.0]))
    east, north = ahead * camera.east + aside * camera.north, ahead * camera.north - aside * camera.east
    level = (east * east + north * north) ** 0.5
    length = (1 + rise * rise) ** 0.5
    # Rounded, so that the last bits of a tangent cannot matter.
    return tuple(round(float(value), 6) for value in (east / level / length, north / level / length, rise / length))


def _height(ground: Field, hits: Hits, seen: np.ndarray) -> np.ndarray:
    return ground.at(ground.height, hits.x[seen], hits.y[seen])


def _air(
    land, depth, height, clear: float, low: float, high: float, light: Light, rng: np.random.Generator
) -> np.ndarray:
    """Ground seen through air: the farther and the lower, the more it takes the horizon's colour."""
    mist = float(rng.uniform(0.0, 2.2)) if rng.random() < 0.35 else 0.0
    thick = 1 + mist * ramp(low + 0.25 * (high - low), low, height)
    veil = 1 - np.exp(-(depth / np.float32(clear)) * thick)
    return mix(land, np.array(light.horizon) * 0.96, np.clip(veil, 0, 0.97))


def _lake(
    color: np.ndarray, backdrop: np.ndarray, camera: Camera, ground: Field, hits: Hits, water: float, clear: float,
    light: Light, seed: int,
) -> None:  # fmt: skip
    """Paint water where the ground lies below its level: it mirrors what stands above the horizon."""
    finest = np.maximum(hits.depth * np.float32(3.0 / camera.focal), 12)
    bed = ground.at(ground.height, hits.x, hits.y) + ground.detail(hits.x, hits.y, finest)
    rows, cols = np.nonzero(hits.ground & (bed < water - 0.3) & (np.arange(camera.height)[:, None] > camera.row + 1))
    if not len(rows):
        return
    x, y, depth = hits.x[rows, cols], hits.y[rows, cols], hits.depth[rows, cols]
    ripple = point_noise(x / 7, y / 7, seed) + 0.6 * point_noise(x / 2.5, y / 2.5, seed + 1)
    ripple *= np.clip(depth / 300, 0.25, 1)
    mirrored = 2 * camera.row - rows + ripple * (2 + 8 * np.clip(200 / depth, 0, 1))
    source = np.clip(mirrored, 0, camera.height - 1).astype(int)
    above = np.where((mirrored >= 0)[:, None], color[source, cols], backdrop[0, cols])
    glance = np.clip((rows - camera.row) / np.float32(camera.height), 0, 1)
    bright = np.clip(0.82 - 0.7 * glance, 0.3, 0.85)  # Fresnel: steeper looks see into the water
    mixed = (
        mix(np.broadcast_to(np.asarray(_DEEP, np.float32), above.shape), above, bright) * (1 + 0.05 * ripple)[:, None]
    )
    color[rows, cols] = mix(
        mixed, np.array(light.horizon) * 0.96, np.clip(1 - np.exp(-depth / np.float32(clear)), 0, 0.9) * 0.7
    )


def _develop(image: np.ndarray, seed: int, rng: np.random.Generator) -> np.ndarray:
    """What a camera makes of it: contrast, colour, a darker rim, and grain."""
    rows, cols = image.shape[:2]
    value = image.astype(np.float32) / 255
    grey = value.mean(axis=-1, keepdims=True)
    value = grey + (value - grey) * np.float32(rng.uniform(0.78, 1.06))
    value = value * np.float32(rng.uniform(1.02, 1.18))
    curve = value * value * (3 - 2 * value)
    value = value + (curve - value) * np.float32(rng.uniform(0.1, 0.45))
    down, across = np.linspace(-1, 1, rows)[:, None], np.linspace(-1, 1, cols)[None, :]
    rim = 1 - float(rng.uniform(0.02, 0.12)) * (down * down + across * across)
    grain = (uniform(np.arange(cols)[None, :], np.arange(rows)[:, None], seed) - 0.5) * 4
    return np.clip(value * rim[..., None] * 255 + grain[..., None] + 0.5, 0, 255).astype(np.uint8)
