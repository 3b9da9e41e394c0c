"""A camera in the height field: where it stands, and which ground each of its pixels sees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.acquire.sources.sample.views.field import SIDE, Field

_NEAR, _FAR, _STEPS = 14.0, 19_000.0, 330


@dataclass(frozen=True)
class Camera:
    """At metres (x, y) and height z, looking along (east, north). `row` is the horizon's, `focal` in pixels."""

    x: float
    y: float
    z: float
    east: float
    north: float
    focal: float
    row: float
    width: int
    height: int


@dataclass(frozen=True)
class Hits:
    """For each pixel (H, W): whether it sees ground, and which: metres east, north, and of depth."""

    ground: np.ndarray
    x: np.ndarray
    y: np.ndarray
    depth: np.ndarray
    lowest: np.ndarray  # (steps, W) rows: the highest ground up to each depth, as a row of the picture
    depths: np.ndarray  # (steps,)


def stand(ground: Field, width: int, height: int, rng: np.random.Generator, water: float | None) -> Camera:
    """A camera where mountains rise ahead, and nothing stands close in front of it."""
    best, taken = -np.inf, None
    far = np.geomspace(60, 12_000, 44).astype(np.float32)
    for _ in range(26):
        x, y = rng.uniform(0.30, 0.70, 2) * SIDE
        z = _top(ground, x, y)
        if water is not None and z < water:
            z = water
        z += float(rng.uniform(6, 26) if water is not None or rng.random() < 0.6 else rng.uniform(60, 260))
        for _ in range(7):
            east, north = _direction(rng)
            side = np.linspace(-0.34, 0.34, 5)[:, None]
            ahead = ground.at(ground.height, x + far * (east + side * north), y + far * (north - side * east))
            angle = (ahead + 14 * ground.rough - z) / far
            near, middle = angle[:, far < 900].max(), angle[:, far < 2200].max(axis=1)
            tops = angle[:, far > 2200].max(axis=1)
            score = (
                2.0 * min(float(tops.max()), 0.34)
                + 0.8 * min(float(np.ptp(tops)), 0.2)
                - 6 * max(float(near) - 0.01, 0)
            )
            score -= 3 * float(np.clip(middle - tops + 0.02, 0, None).mean())  # nothing near hides the mountains
            score += 0.5 * min(max(0.0, -float(angle[:, far < 3000].min())), 0.3) + float(rng.uniform(0, 0.16))
            if score > best:
                best, taken = score, (x, y, z, east, north, float(angle.max()))
    x, y, z, east, north, top = taken
    focal = width * float(rng.uniform(0.85, 1.5)) if width > height else height * float(rng.uniform(0.85, 1.3))
    focal = min(focal, 0.62 * height / max(top, 0.06))  # the highest ground stays in the picture
    row = height * float(rng.uniform(0.14, 0.3)) + focal * max(top, 0.0)
    return Camera(x, y, z, east, north, focal, min(row, 0.86 * height), width, height)


def look(camera: Camera, ground: Field, water: float | None) -> Hits:
    """March every column of the picture outwards, and find the first ground behind each pixel."""
    depths = np.geomspace(_NEAR, _FAR, _STEPS).astype(np.float32)
    across = ((np.arange(camera.width) + 0.5 - camera.width / 2) / camera.focal).astype(np.float32)
    x = camera.x + depths[:, None] * (camera.east + across * camera.north)
    y = camera.y + depths[:, None] * (camera.north - across * camera.east)
    x, y = x.astype(np.float32), y.astype(np.float32)
    height = ground.at(ground.height, x, y)
    height += ground.detail(
        x, y, np.broadcast_to(np.maximum(depths[:, None] * np.float32(3.0 / camera.focal), 12), x.shape)
    )
    if water is not None:
        height = np.maximum(height, np.float32(water))
    inside = (x > 0) & (x < SIDE) & (y > 0) & (y < SIDE)
    rows = camera.row - camera.focal * (height - np.float32(camera.z)) / depths[:, None]
    rows = np.where(inside, rows, np.float32(1e6)).astype(np.float32)
    lowest = np.minimum.accumulate(rows, axis=0)
    pixel = np.arange(camera.height, dtype=np.float32) + np.float32(0.5)
    step = np.empty((camera.height, camera.width), np.int64)
    for column in range(camera.width):  # rows sink with depth, so a search finds the first at or above each pixel
        step[:, column] = np.searchsorted(-lowest[:, column], -pixel, side="left")
    hit = step < _STEPS
    at = np.clip(step, 1, _STEPS - 1)
    columns = np.broadcast_to(np.arange(camera.width), at.shape)
    before, after = lowest[at - 1, columns], rows[at, columns]
    share = np.clip((before - pixel[:, None]) / np.maximum(before - after, 1e-3), 0, 1)
    share = np.where(step == 0, 0, share)
    depth = depths[at - 1] + (depths[at] - depths[at - 1]) * share
    east = camera.x + depth * (camera.east + across * camera.north)
    north = camera.y + depth * (camera.north - across * camera.east)
    return Hits(hit, east.astype(np.float32), north.astype(np.float32), depth.astype(np.float32), lowest, depths)


def _top(ground: Field, x: float, y: float) -> float:
    """The highest ground within 30 m, in metres."""
    east, north = (
        axis.ravel().astype(np.float32) for axis in np.meshgrid(x + np.arange(-30, 31, 10), y + np.arange(-30, 31, 10))
    )
    return float(
        (ground.at(ground.height, east, north) + ground.detail(east, north, np.full(east.shape, 12, np.float32))).max()
    )


def _direction(rng: np.random.Generator) -> tuple[float, float]:
    """A direction on the ground, of length 1, without sines."""
    while True:
        east, north = (float(value) for value in rng.uniform(-1, 1, 2))
        length = (east * east + north * north) ** 0.5
        if 0.1 < length < 1:
            return east / length, north / length
