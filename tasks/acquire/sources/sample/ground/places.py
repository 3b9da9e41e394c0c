"""Places of the planet that are worth a picture: drawn at random, and taken where the ground has what is wanted."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from tasks.acquire.sources.sample.planet import RADIUS, planet_height

_DRAWN = 3000  # points looked at for one list of places
_LOOK = 5  # heights along a side of each


@dataclass(frozen=True)
class Wanted:
    """What a place must have: metres of mean height and of relief, the share of land, and degrees from the equator."""

    side_m: float
    mean: tuple[float, float]
    relief: tuple[float, float]
    land: tuple[float, float] = (1.0, 1.0)
    latitude: float = 62.0


@dataclass(frozen=True)
class Place:
    """The centre of a picture, degrees. `seed` makes everything that the planet does not say."""

    lat: float
    lon: float
    seed: int


@lru_cache(8)
def places(wanted: Wanted, count: int, seed: int) -> tuple[Place, ...]:
    """The first `count` places of the planet that have what is wanted; fewer where there are not so many."""
    found: list[Place] = []
    for turn in range(8):
        rng = np.random.default_rng((seed, turn, int(wanted.side_m)))
        # Even by area: equal steps of the sine of latitude. Rounded, because a sine's last bits must not matter.
        lat = np.round(np.degrees(np.arcsin(rng.uniform(-1, 1, _DRAWN))), 4)
        lon = np.round(rng.uniform(-180, 180, _DRAWN), 4)
        seeds = rng.integers(1, 2**31 - 1, _DRAWN)
        near = np.flatnonzero(np.abs(lat) <= wanted.latitude)
        lat, lon, seeds = lat[near], lon[near], seeds[near]
        height = square(lat, lon, wanted.side_m, _LOOK, seed, finest_km=1.0).reshape(len(lat), -1)
        mean, relief, land = height.mean(axis=1), np.ptp(height, axis=1), (height > 0).mean(axis=1)
        good = _between(mean, wanted.mean) & _between(relief, wanted.relief) & _between(land, wanted.land)
        found += [Place(float(lat[i]), float(lon[i]), int(seeds[i])) for i in np.flatnonzero(good)]
        if len(found) >= count:
            break
    return tuple(found[:count])


def square(lat: np.ndarray, lon: np.ndarray, side_m: float, n: int, seed: int, finest_km: float = 0.0) -> np.ndarray:
    """Heights in metres, float32 (..., n, n), of squares of `side_m` around `lat`, `lon`; row 0 lies in the north."""
    lat, lon = np.asarray(lat, np.float64), np.asarray(lon, np.float64)
    step = np.linspace(-0.5, 0.5, n) * side_m / 1000 / RADIUS
    north = lat[..., None, None] + np.degrees(-step)[:, None]
    east = lon[..., None, None] + np.degrees(step)[None, :] / np.cos(np.radians(lat))[..., None, None]
    height = planet_height(*np.broadcast_arrays(north, east), seed, finest_km)
    return np.round(height * 64) / 64  # as `write_planet`: finer digits would differ between processors


def _between(values: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    return (values >= limits[0]) & (values <= limits[1])
