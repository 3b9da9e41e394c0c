"""Two maps of the whole procedural planet in one grid of longitude and latitude: its heights, and its relief in colour.

The colours are drawn as cartographers draw shaded relief: what grows where it is warm, cold, wet or dry, and a sun
in the north-west that lights the slopes. The sun is part of the picture, as it is in every published one.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from tasks.acquire.sources.sample.planet import RADIUS, fbm, planet_height, smoothstep, sphere

_CHUNK = 1 << 16
_EXAGGERATION = 14.0  # times the true height: at kilometres a pixel, mountains as they are would cast no shade
_SEA_DEEP, _SEA_SHALLOW = (74, 110, 158), (122, 160, 196)
_DESERT, _GRASS, _FOREST, _JUNGLE = (214, 196, 152), (172, 180, 122), (92, 122, 78), (64, 104, 62)
_TUNDRA, _ROCK, _ICE = (164, 152, 134), (140, 126, 112), (240, 243, 246)


@lru_cache(1)
def planet_maps(px: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Heights float32 (px / 2, px) in metres, and colour uint8 (px / 2, px, 3), row 0 in the north."""
    lat = 90 - (np.arange(px // 2) + 0.5) * 360 / px
    lon = -180 + (np.arange(px) + 0.5) * 360 / px
    spacing = 2 * np.pi * RADIUS / px  # km a pixel at the equator
    height = planet_height(lat[:, None], lon[None, :], seed, finest_km=2 * spacing)
    flat = np.empty((height.size, 3), np.float32)
    lats, lons = (values.ravel() for values in np.broadcast_arrays(lat[:, None], lon[None, :]))
    for start in range(0, height.size, _CHUNK):
        part = slice(start, start + _CHUNK)
        flat[part] = _biomes(sphere(lats[part], lons[part]), lats[part], height.ravel()[part], seed)
    light = _light(height, lat, spacing * 1000)
    return height, np.rint(np.clip(flat.reshape(*height.shape, 3) * light[..., None], 0, 255)).astype(np.uint8)


def _biomes(p: np.ndarray, lat: np.ndarray, height: np.ndarray, seed: int) -> np.ndarray:
    """Flat colour (n, 3) of points `p` (3, n) of the unit sphere."""
    # °C: warm at the equator, 6.5 less a kilometre up, wavering from place to place.
    warmth = 30 - 0.55 * np.abs(lat) - 0.0065 * height + 5 * fbm(p, 2600.0, 4, seed + 500, 0.55)
    # Wet at the equator and in the westerlies, dry under the horse latitudes.
    belts = 0.55 * np.cos(np.radians(6 * np.abs(lat))) * np.exp(-np.square(lat / 70))
    wet = 0.42 + 0.35 * belts + 0.55 * fbm(p, 3800.0, 6, seed + 600, 0.6)
    green = _blend(_blend(_DESERT, _GRASS, smoothstep(0.22, 0.42, wet)), _FOREST, smoothstep(0.42, 0.62, wet))
    green = _blend(green, _JUNGLE, smoothstep(0.55, 0.75, wet) * smoothstep(17, 24, warmth))
    land = _blend(_TUNDRA, green, smoothstep(-3, 5, warmth))
    land = _blend(land, _ROCK, smoothstep(1600, 2800, height) * smoothstep(-14, -4, warmth))
    land = _blend(land, _ICE, 1 - smoothstep(-13, -8, warmth))
    sea = _blend(_SEA_SHALLOW, _SEA_DEEP, smoothstep(-0.5, 0.6, -fbm(p, 9000.0, 9, seed, 0.56)))
    sea = _blend(sea, _ICE, 1 - smoothstep(-21, -17, warmth))  # what is frozen over is no open water
    return np.where((height > 0)[:, None], land, sea) * (1 + 0.05 * fbm(p, 300.0, 3, seed + 700, 0.6))[:, None]


def _blend(low: np.ndarray | tuple[int, ...], high: np.ndarray | tuple[int, ...], share: np.ndarray) -> np.ndarray:
    share = np.asarray(share, np.float32)[:, None]
    return np.asarray(low, np.float32) * (1 - share) + np.asarray(high, np.float32) * share


def _light(height: np.ndarray, lat: np.ndarray, spacing_m: float) -> np.ndarray:
    """Brightness (rows, cols), 1 on level ground, under a sun in the north-west at 45°."""
    wrapped = np.pad(height, ((1, 1), (1, 1)), mode="wrap")
    wrapped[0], wrapped[-1] = wrapped[1], wrapped[-2]
    # A pixel narrows towards the poles; beyond 80° the last one is what cartographers stretch too.
    across = spacing_m * np.cos(np.radians(np.minimum(np.abs(lat), 80.0)))[:, None]
    east = (wrapped[1:-1, 2:] - wrapped[1:-1, :-2]) / (2 * across) * _EXAGGERATION
    south = (wrapped[2:, 1:-1] - wrapped[:-2, 1:-1]) / (2 * spacing_m) * _EXAGGERATION
    # Lambert: the slope's normal (-east, south as north, 1) and the sun's direction (-1, 1, √2) / 2.
    facing = (east + south + np.sqrt(2)) / (2 * np.sqrt(1 + np.square(east) + np.square(south)))
    return (0.45 + 0.55 * np.clip(facing, 0, 1) * np.sqrt(2)).astype(np.float32)
