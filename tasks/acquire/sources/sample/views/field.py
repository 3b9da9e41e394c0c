"""The height field of one view: heights of the planet on a grid, finer detail between its points, and shadows on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from tasks.acquire.sources.sample.ground.noise import point_noise
from tasks.acquire.sources.sample.ground.places import Place, square

SIDE = 32_000.0  # metres along a side of the grid
_POINTS = 224
_STEEPER = 1.25  # photographers wait for what makes mountains look steep; a model has to be told
_WAVES = (330.0, 150.0, 70.0, 33.0, 15.0, 7.0, 3.2)  # metres; finer than the planet's own noise


@dataclass(frozen=True)
class Field:
    """Heights (n, n) float32 in metres, row 0 in the south; points are `spacing` metres apart."""

    height: np.ndarray
    spacing: float
    seed: int
    rough: float

    def at(self, grid: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Values of a grid (n, n) at metres (x, y) from its south-west corner, linear between points."""
        limit = len(grid) - 1.001
        px, py = np.clip(x / np.float32(self.spacing), 0, limit), np.clip(y / np.float32(self.spacing), 0, limit)
        col, row = px.astype(np.int32), py.astype(np.int32)
        fx, fy = px - col, py - row
        flat, first = grid.ravel(), row * grid.shape[1] + col
        lower = flat[first] + (flat[first + 1] - flat[first]) * fx
        above = first + grid.shape[1]
        upper = flat[above] + (flat[above + 1] - flat[above]) * fx
        return lower + (upper - lower) * fy

    def detail(self, x: np.ndarray, y: np.ndarray, finest: np.ndarray) -> np.ndarray:
        """Metres that ridges between the grid's points add; waves shorter than `finest` metres are left out."""
        total = np.zeros(x.shape, np.float32)
        for octave, wave in enumerate(_WAVES):
            share = np.clip(np.float32(wave) / finest - 1, 0, 1)
            seen = share > 0
            if not seen.any():
                break
            if seen.all():
                noise = point_noise(x / np.float32(wave), y / np.float32(wave), self.seed + octave)
            else:
                noise = np.zeros(x.shape, np.float32)
                noise[seen] = point_noise(x[seen] / np.float32(wave), y[seen] / np.float32(wave), self.seed + octave)
            total += share * np.float32(0.18 * wave * self.rough) * (np.float32(0.45) - np.abs(noise))
        return total


def field(place: Place, rough: float, planet_seed: int) -> Field:
    """The ground around a place."""
    height = square(np.array(place.lat), np.array(place.lon), SIDE, _POINTS, planet_seed)[::-1].astype(np.float32)
    return Field(np.ascontiguousarray(height) * np.float32(_STEEPER), SIDE / (_POINTS - 1), place.seed % 9973, rough)


def sunlit(ground: Field, sun: tuple[float, float, float]) -> np.ndarray:
    """How much of the sun each point of the grid sees, float32 (n, n) from 0 to 1.

    Args:
        sun: its direction (east, north, up), of length 1.
    """
    east, north, up = sun
    level = max((east * east + north * north) ** 0.5, 1e-6)
    size = len(ground.height)
    shade = np.zeros(ground.height.shape, np.float32)
    for step in range(1, 56):
        dc, dr = round(east / level * step), round(north / level * step)
        rise = (dc * dc + dr * dr) ** 0.5 * ground.spacing * up / level
        to = slice(max(0, -dr), size - max(0, dr)), slice(max(0, -dc), size - max(0, dc))
        from_ = slice(max(0, dr), size - max(0, -dr)), slice(max(0, dc), size - max(0, -dc))
        above = ground.height[from_] - rise - ground.height[to]
        shade[to] = np.maximum(shade[to], np.clip(above / 40, 0, 1))
    return 1 - gaussian_filter(shade, 0.7)
