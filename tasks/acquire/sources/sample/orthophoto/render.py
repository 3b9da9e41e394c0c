"""One orthophoto: the ground's cover from heights, slopes, moisture and people, lit by a morning sun."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter

from tasks.acquire.sources.sample.ground.noise import fractal, grid_noise, mix, ramp, stretch, uniform
from tasks.acquire.sources.sample.ground.places import Place, Wanted, square
from tasks.acquire.sources.sample.ground.settlements import roads, settlements, slope_of
from tasks.acquire.sources.sample.ground.streams import Stream, meander, streams
from tasks.acquire.sources.sample.orthophoto.fields import lay_out
from tasks.acquire.sources.sample.orthophoto.regions import BOCAGE, DRY, OPEN, STRIPS, Region
from tasks.acquire.sources.sample.orthophoto.villages import build, gardens, houses

_GRID = 128  # heights along a side; streams and roads are found on these
_WATER, _SHALLOW, _SAND = (52, 66, 62), (96, 110, 96), (196, 180, 146)
_ROCK, _SNOW = (148, 140, 130), (240, 242, 245)
_SUN = np.array([-0.72, -0.62])  # where shadows fall, metres (column, row) a metre of height: a sun in the south-east


def wanted(side_m: float) -> Wanted:
    """Country with fields, woods and villages: neither sea nor high mountains."""
    return Wanted(side_m, mean=(3, 1500), relief=(12, 520), land=(0.85, 1.0), latitude=58)


def orthophoto(place: Place, px: int, gsd: float, planet_seed: int) -> np.ndarray:
    """The square of `px` pixels around `place`, `gsd` metres each, uint8 (px, px, 3)."""
    shape, side = (px, px), px * gsd
    coarse = square(np.array(place.lat), np.array(place.lon), side, _GRID, planet_seed)
    spacing, scale = side / (_GRID - 1), (px - 1) / (_GRID - 1)
    land = coarse + (coarse > 0) * 3.0 * fractal(coarse.shape, 12, 3, place.seed)
    water = streams(land, least=300)
    wet = _channel(coarse.shape, water, 1.0, 1.0, place.seed)
    region = _region(place, coarse, spacing)
    towns = settlements(coarse, spacing, wet > 0, int(2 + 4 * _number(place, 1)), 1100 / spacing, place.seed)
    gates = _gates(place, coarse)
    ways = [line * scale for line in roads(coarse, spacing, np.concatenate([towns, gates]) if len(towns) else gates)]

    height = stretch(coarse, shape)
    relief = height + 5 * fractal(shape, 260 / gsd, 5, place.seed + 2)
    steep = stretch(slope_of(coarse, spacing), shape) + 0.04 * fractal(shape, 120 / gsd, 3, place.seed + 3)
    river = _channel(shape, water, scale, gsd, place.seed) / np.float32(255)
    river = np.maximum(river, ramp(0.4, -0.2, height + 0.5 * fractal(shape, 90 / gsd, 3, place.seed + 9)))
    bank = gaussian_filter(river, 22 / gsd) * 1.6
    fields = lay_out(shape, gsd, region, place.seed % 100_003)

    # Woods keep to slopes, high ground, banks, and to whole parcels where the noise is undecided.
    own = (fields.parcel >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)
    score = 0.9 * fractal(shape, 620 / gsd, 5, place.seed + 4, 0.55) + 2.6 * (steep - 0.08) + 0.35 * (own - 0.5)
    score += 1.1 * ramp(0.06, 0.22, bank) + ramp(900, 1600, height) * 0.5
    built = houses(shape, gsd, region, towns * scale, ways, (river < 0.05) & (score < region.woods + 0.3), place.seed)
    village = gardens(shape, gsd, built, place.seed + 5)
    wood = (score - 0.9 * village > region.woods) | (fields.hedge & (village < 0.3))
    garden_trees = (village > 0.08) & (fractal(shape, 14 / gsd, 2, place.seed + 6) > 0.35)
    trees = (wood | fields.orchard & (village < 0.1) | garden_trees) & (river < 0.4)

    color = _ground(fields, region, height, steep, village, bank, gsd, place)
    path = _lines(shape, ways, max(1, round(7 / gsd)))
    verge = _lines(shape, ways, max(2, round(7 / gsd) + 2))
    color = mix(color, region.grass, 0.55 * verge * (village < 0.3))
    track = fields.lane & (village < 0.4)
    color = mix(color, np.array(region.road) * 0.96, 0.75 * gaussian_filter(track.astype(np.float32), 0.5))
    color, canopy = _plant(color, trees, region, gsd, place)
    color = _cast(color, trees, gsd)
    color = mix(color, mix(_WATER, _SHALLOW, np.clip(1.2 - gaussian_filter(river, 2.5), 0, 1) * 0.8), river)
    color = mix(
        color,
        _SAND,
        np.clip(
            ramp(0.10, 0.3, bank) * (river < 0.3) * ramp(0.2, 0.6, fractal(shape, 60 / gsd, 3, place.seed + 11)), 0, 0.7
        ),
    )
    color = mix(color, region.road, path)
    light = _light(relief, canopy, gsd)
    image = np.clip(color * light[..., None], 0, 255).astype(np.uint8)
    build(image, built, gsd, _SUN)
    return _film(image, place)


def _region(place: Place, coarse: np.ndarray, spacing: float) -> Region:
    """Dry country near the tropics, narrow strips on slopes, else as the place has it."""
    if 14 < abs(place.lat) < 36:
        return DRY
    if float(slope_of(coarse, spacing).mean()) > 0.09:
        return STRIPS if _number(place, 2) < 0.5 else BOCAGE
    return (OPEN, OPEN, BOCAGE, STRIPS)[int(4 * _number(place, 3)) % 4]


def _number(place: Place, which: int) -> float:
    """A number from 0 to 1 that belongs to the place."""
    return float(uniform(np.array([place.seed]), which, 17)[0])


def _gates(place: Place, coarse: np.ndarray) -> np.ndarray:
    """Two cells at the edge where the main road enters and leaves: the lowest land of opposite sides, about."""
    last, third = len(coarse) - 1, len(coarse) // 3
    sides = coarse[third:-third, 0], coarse[third:-third, last], coarse[0, third:-third], coarse[last, third:-third]
    low = [third + int(np.argmin(np.where(side > 0.5, side, 1e9))) for side in sides]
    gates = np.array([(0, low[0]), (last, low[1]), (low[2], 0), (low[3], last)])
    return gates[:2] if _number(place, 4) < 0.35 else gates


def _channel(shape: tuple[int, int], water: list[Stream], scale: float, gsd: float, seed: int) -> np.ndarray:
    """Streams drawn into a mask, uint8: a brook of 2 m where one begins, and wider with the ground that it drains."""
    mask = np.zeros(shape, np.uint8)
    for stream in reversed(water):
        points = np.round(meander(stream.line, 5.0, 1.3, seed) * scale * 16).astype(np.int32)
        metres = 2 + 0.28 * np.sqrt(np.maximum(stream.cells - 250, 0))
        wide = np.repeat(metres / gsd, 4)[: len(points)]
        for start in range(len(points) - 1):
            ink = int(255 * min(wide[start], 1.0))  # narrower than a pixel: a fainter one
            ends = points[start].tolist(), points[start + 1].tolist()
            cv2.line(mask, *ends, ink, max(1, round(float(wide[start]))), cv2.LINE_AA, 4)
    return mask


def _lines(shape: tuple[int, int], ways: list[np.ndarray], wide: int) -> np.ndarray:
    mask = np.zeros(shape, np.uint8)
    for way in ways:
        cv2.polylines(mask, [np.round(way * 16).astype(np.int32)], False, 255, wide, cv2.LINE_AA, 4)
    return mask / np.float32(255)


def _ground(fields, region: Region, height, steep, village, bank, gsd: float, place: Place) -> np.ndarray:
    """Colour of everything that is not a tree, a road or water, float32 (H, W, 3)."""
    shape = height.shape
    grain = fractal(shape, 36 / gsd, 4, place.seed + 7)
    grass = np.array(region.grass, np.float32) * (1 + 0.10 * grain)[..., None]
    color = mix(fields.color, grass, (fields.margin & ~fields.hedge) * 0.5)
    color = mix(color, grass, np.clip(ramp(0.16, 0.30, steep) + ramp(900, 1300, height), 0, 1))  # too steep to plough
    color = mix(color, np.array(region.grass) * 0.88, 0.7 * ramp(0.05, 0.16, bank))
    soil = np.array(region.soil, np.float32) * (1 + 0.12 * grain)[..., None]
    color = mix(
        color,
        mix(grass * 0.95, soil * 1.08, ramp(-0.3, 0.5, grid_noise(shape, 26 / gsd, place.seed + 8))),
        0.85 * village,
    )
    rock = np.array(_ROCK, np.float32) * (1 + 0.16 * grain)[..., None]
    color = mix(color, rock, ramp(0.55, 0.8, steep + 0.1 * grain))
    return mix(color, _SNOW, ramp(2300, 2600, height + 120 * grain))


def _plant(
    color: np.ndarray, trees: np.ndarray, region: Region, gsd: float, place: Place
) -> tuple[np.ndarray, np.ndarray]:
    """Crowns over the ground: the new colour, and the height of the crowns in metres."""
    shape = trees.shape
    crown = 0.6 * grid_noise(shape, max(9 / gsd, 1.6), place.seed + 12) + 0.4 * grid_noise(shape, 1, place.seed + 13)
    kind = ramp(-0.25, 0.25, fractal(shape, 170 / gsd, 4, place.seed + 14) + 0.25 * crown)
    leaves = mix(region.forest[0], region.forest[1], kind) * (1 + 0.30 * crown)[..., None]
    return np.where(trees[..., None], leaves, color), np.where(trees, 9 + 4.5 * crown, 0).astype(np.float32)


def _cast(color: np.ndarray, trees: np.ndarray, gsd: float) -> np.ndarray:
    """Darken the ground where crowns of 11 m cast their shadow."""
    shade = np.zeros(trees.shape, bool)
    reach = 11 * _SUN / gsd
    for part in (0.35, 0.7, 1.0):
        dc, dr = (int(round(value * part)) for value in reach)
        shade |= np.roll(trees, (dr, dc), (0, 1))
    return color * (1 - 0.42 * (shade & ~trees))[..., None]


def _light(relief: np.ndarray, canopy: np.ndarray, gsd: float) -> np.ndarray:
    """Brightness of the ground, 1 where it is level (Lambert's law, with light from the sky)."""
    down, across = np.gradient(relief + 0.55 * gaussian_filter(canopy, 0.6), gsd)
    # Shadows fall along `_SUN`, so the sun's direction is (-_SUN, 1): level ground gets 1 / its length.
    facing = (across * _SUN[0] + down * _SUN[1] + 1) / np.sqrt(1 + across * across + down * down)
    return (0.42 + 0.58 * np.clip(facing, 0.05, 1.7)).astype(np.float32)


def _film(image: np.ndarray, place: Place) -> np.ndarray:
    """What camera and air add: a cast of colour, haze, and grain; no two flights look the same."""
    gain = np.array([0.94 + 0.12 * _number(place, 20 + band) for band in range(3)], np.float32) * (
        0.94 + 0.14 * _number(place, 30)
    )
    haze = 5 + 16 * _number(place, 31)
    grain = (uniform(np.arange(image.shape[1])[None, :], np.arange(image.shape[0])[:, None], place.seed) - 0.5) * 5
    grey = image.mean(axis=-1, keepdims=True, dtype=np.float32)
    muted = grey + (image - grey) * np.float32(0.62 + 0.2 * _number(place, 32))
    return np.clip(muted * gain * (1 - haze / 255) + haze + grain[..., None] + 0.5, 0, 255).astype(np.uint8)
