"""Conifers that stand near the camera, drawn from the farthest to the nearest."""

from __future__ import annotations

import cv2
import numpy as np

from tasks.acquire.sources.sample.views.camera import Camera, Hits
from tasks.acquire.sources.sample.views.field import Field
from tasks.acquire.sources.sample.views.kinds import Light, Mountains


def plant(
    image: np.ndarray,
    camera: Camera,
    hits: Hits,
    ground: Field,
    kind: Mountains,
    light: Light,
    lit: np.ndarray,
    clear: float,
    low: float,
    high: float,
    water: float | None,
    rng: np.random.Generator,
) -> None:
    """Draw spruces into `image` uint8 (H, W, 3), where forest can grow and the ground can be seen."""
    spots = rng.random((int(700 * kind.wooded), 6))
    depth = (70 * (1 + 13 * spots[:, 0] ** 1.4)).astype(np.float32)
    across = (spots[:, 1] * 1.2 - 0.6) * camera.width / camera.focal
    x = camera.x + depth * (camera.east + across * camera.north)
    y = camera.y + depth * (camera.north - across * camera.east)
    x, y = x.astype(np.float32), y.astype(np.float32)
    foot = ground.at(ground.height, x, y) + ground.detail(x, y, np.maximum(depth * np.float32(3 / camera.focal), 12))
    clump = ground.detail(x, y, np.full(x.shape, 60, np.float32)) < 4 * ground.rough
    run = np.float32(60)
    east = ground.at(ground.height, x + run, y) - ground.at(ground.height, x - run, y)
    north = ground.at(ground.height, x, y + run) - ground.at(ground.height, x, y - run)
    clump &= np.square(east) + np.square(north) < np.square(1.5 * run)  # nothing grows on walls
    grows = ((foot - low) / max(high - low, 1) < kind.trees) & clump
    if water is not None:
        grows &= foot > water + 2
    column = (across * camera.focal + camera.width / 2).astype(int)
    row = camera.row - camera.focal * (foot - camera.z) / depth
    step = np.clip(np.searchsorted(hits.depths, depth), 0, len(hits.depths) - 1)
    from_sun = np.array(light.sun, float) * 0.6 * light.direct * ground.at(lit, x, y)[:, None]
    bright = (from_sun + np.array(light.ambient, float) * 0.8) / 255
    through = np.exp(-depth / clear)  # the share of light that the air lets through
    for i in np.argsort(-depth, kind="stable").tolist():
        if not (grows[i] and 0 <= column[i] < camera.width) or row[i] > hits.lowest[step[i], column[i]] + 6:
            continue
        tall = camera.focal * (9 + 13 * spots[i, 2]) / float(depth[i])
        if tall < 5:
            continue
        shade = 0.35 + 0.4 * spots[i, 3]
        leaf = np.array(kind.forest[0], float) * bright[i] * shade * through[i] + np.array(light.horizon) * (
            1 - through[i]
        )
        _spruce(image, float(column[i]), float(row[i]) + 1.5, tall, leaf, spots[i, 4])


def _spruce(image: np.ndarray, column: float, row: float, tall: float, leaf: np.ndarray, lean: float) -> None:
    """A spire of drooping tiers: a dark shape with a lighter side."""
    tiers = int(np.clip(tall / 5, 4, 14))
    up = np.linspace(0.06, 1, tiers + 1)
    left, right = [], []
    for number, (low, high) in enumerate(zip(up[:-1], up[1:], strict=True)):
        half = tall * 0.2 * (1 - low) * (0.85 + 0.3 * ((number * 0.618 + lean) % 1)) + 0.4
        inner = tall * 0.2 * (1 - high) * 0.55
        left += [(column - half, row - low * tall), (column - inner, row - high * tall)]
        right += [(column + half * 0.95, row - low * tall - 0.2), (column + inner, row - high * tall)]
    shape = np.round(np.array([*left, *right[::-1]]) * 16).astype(np.int32)
    cv2.fillPoly(image, [shape], leaf.tolist(), cv2.LINE_AA, 4)
    bright = np.round(np.array([*[(column, y) for _, y in right[:1]], *right, (column, row - tall)]) * 16).astype(
        np.int32
    )
    cv2.fillPoly(image, [bright], np.clip(leaf * 1.25, 0, 255).tolist(), cv2.LINE_AA, 4)
