"""Houses: crowds of them around each settlement and single farms along the lanes, and their shadows."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from tasks.acquire.sources.sample.ground.noise import fractal
from tasks.acquire.sources.sample.orthophoto.regions import Region

_FINE = 4  # bits of a pixel's fraction that OpenCV's drawing takes


@dataclass(frozen=True)
class House:
    """A rectangle: corners (4, 2) in pixels as column and row, the roof's colour, and the height in metres."""

    corners: np.ndarray
    color: np.ndarray
    metres: float


def houses(
    shape: tuple[int, int], gsd: float, region: Region, centres: np.ndarray, ways: list[np.ndarray], free: np.ndarray,
    seed: int,
) -> list[House]:  # fmt: skip
    """Houses around `centres` (n, 2) and along `ways`, lines (m, 2), in pixels; only where `free` (H, W) allows."""
    rng = np.random.default_rng((seed, 5))
    found: list[House] = []
    taken = np.zeros(shape, bool)
    along = np.concatenate(ways) if ways else np.zeros((0, 2))
    heading = np.concatenate([np.gradient(way, axis=0) for way in ways]) if ways else np.zeros((0, 2))
    for number, centre in enumerate(centres):
        size = (340 - 36 * number) * rng.uniform(0.7, 1.1)  # the first settlement is the largest
        if size < 60:
            size = 60.0
        near = np.square(along - centre).sum(axis=1) < (1.6 * size / gsd) ** 2
        for _ in range(int(size * 1.5)):
            if near.any() and rng.random() < 0.8:
                at = int(rng.choice(np.flatnonzero(near)))
                direction = heading[at]
                side = rng.uniform(12, 90) * rng.choice([-1, 1]) / gsd
                spot = along[at] + side * _unit(direction)[::-1] * (-1, 1)
            else:
                direction = np.array([1.0, rng.uniform(-0.6, 0.6)])
                spot = centre + (rng.random(2) + rng.random(2) + rng.random(2) - 1.5) * size / gsd
            _put(found, taken, free, spot, direction, gsd, region, rng)
    for _ in range(int(shape[0] * shape[1] * gsd * gsd / 350_000)):
        spot = rng.uniform(8, np.array(shape[::-1]) - 8)
        for _ in range(int(rng.integers(1, 5))):
            _put(
                found,
                taken,
                free,
                spot + rng.uniform(-45, 45, 2) / gsd,
                np.array([1.0, rng.uniform(-1, 1)]),
                gsd,
                region,
                rng,
            )
    return found


def _put(
    found: list[House], taken: np.ndarray, free: np.ndarray, spot: np.ndarray, direction: np.ndarray, gsd: float,
    region: Region, rng: np.random.Generator,
) -> None:  # fmt: skip
    """Build one house at `spot`, unless another stands there."""
    long, wide = rng.uniform(10, 22), rng.uniform(8, 12)
    if rng.random() < 0.06:
        long, wide = rng.uniform(28, 60), rng.uniform(16, 28)  # a barn, a hall
    col, row = int(spot[0]), int(spot[1])
    reach = max(1, round(0.6 * long / gsd))
    if not (reach < row < taken.shape[0] - reach and reach < col < taken.shape[1] - reach):
        return
    around = slice(row - reach, row + reach + 1), slice(col - reach, col + reach + 1)
    if taken[around].any() or not free[around].all():
        return
    taken[around] = True
    ahead = _unit(direction)
    beside = ahead[::-1] * (-1, 1)
    corners = [
        spot + (a * long * ahead + b * wide * beside) / (2 * gsd) for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))
    ]
    color = np.array(region.roofs[int(rng.integers(len(region.roofs)))], np.float32) * rng.uniform(0.85, 1.2)
    found.append(House(np.array(corners), color, float(rng.uniform(5, 9))))


def gardens(shape: tuple[int, int], gsd: float, built: list[House], seed: int) -> np.ndarray:
    """How much a pixel belongs to a village, float32 from 0 to 1: near many houses."""
    from scipy.ndimage import gaussian_filter

    count = np.zeros(shape, np.float32)
    for house in built:
        col, row = house.corners.mean(axis=0).astype(int)
        count[row, col] += 1
    dense = gaussian_filter(count, 34 / gsd) * (34 / gsd) ** 2 * 6.3
    return np.clip(dense * (1 + 0.3 * fractal(shape, 40 / gsd, 3, seed)) - 0.25, 0, 1)


def build(image: np.ndarray, built: list[House], gsd: float, sun: np.ndarray) -> None:
    """Draw shadows, then roofs with a lit and a dark side, into `image` uint8 (H, W, 3).

    Args:
        sun: where shadows fall, in metres (column, row) for each metre of height.
    """
    shade = np.zeros(image.shape[:2], np.uint8)
    for house in built:
        shift = sun * house.metres / gsd
        hull = np.concatenate([house.corners, house.corners + shift])
        cv2.fillConvexPoly(shade, cv2.convexHull(_fixed(hull)), 255, cv2.LINE_AA, _FINE)
    image[:] = (image * (1 - shade[..., None] / np.float32(255) * 0.55)).astype(np.uint8)
    for house in built:
        a, b, c, d = house.corners
        lit = 1.12 if float(((a - d) * sun).sum()) < 0 else 0.82
        ridge = (a + d) / 2, (b + c) / 2
        for part, light in (((a, b, ridge[1], ridge[0]), lit), ((ridge[0], ridge[1], c, d), 1.94 - lit)):
            color = tuple(int(value) for value in np.clip(house.color * light, 0, 255))
            cv2.fillConvexPoly(image, _fixed(np.array(part)), color, cv2.LINE_AA, _FINE)


def _fixed(points: np.ndarray) -> np.ndarray:
    return np.round(points * (1 << _FINE)).astype(np.int32)


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / max(float(np.sqrt((vector * vector).sum())), 1e-9)
