"""The metric grid of one scene: its own projection, centred on it.

`local_equal_area` gives each scene a Lambert azimuthal equal-area CRS on the WGS 84 ellipsoid, centred on
the scene. At distance c (radians) from the centre the scale is 1/cos(c/2) across the ray and cos(c/2) along it
(Snyder 1987, USGS PP 1395, eqs. 24-1a and 24-2, for the sphere). So areas are exact, and the distortion of shapes
is below (c/2)²: 1e-5 at 40 km. `latitude_rescale` keeps longitude and latitude and stretches pixels by one factor
a scene. It is cheaper, and exact only at the middle latitude of the scene.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from affine import Affine
from shapely.geometry.base import BaseGeometry

from tasks.project.footprint import footprint
from tasks.project.projection import from_lonlat, local_crs

MAX_SIDE = 1_200_000.0
"""Longest side of a scene in metres: it limits the distortion of shapes at the corners to 0.5 %."""

_A, _E2 = 6378137.0, 0.0066943799901413165  # WGS 84: semi-major axis in metres, eccentricity squared
_SLACK = 0.01  # pixels; keeps ground on the border inside the grid after rounding


@dataclass(frozen=True)
class Grid:
    """Where a scene's pixels are. `transform` maps pixel to `crs`; rows run north to south at the centre."""

    name: str
    lat: float
    lon: float
    crs: str
    transform: Affine
    cols: int
    rows: int

    @property
    def region(self) -> str:
        """The 10° cell of the centre, by its south-west corner: N40E010."""
        lat, lon = (int(np.floor(value / 10) * 10) for value in (min(self.lat, 89.9), self.lon))
        return f"{'S' if lat < 0 else 'N'}{abs(lat):02d}{'W' if lon < 0 else 'E'}{abs(lon):03d}"

    def crop(self, top: int, bottom: int, left: int, right: int) -> Grid:
        """The part of the grid with rows top..bottom and columns left..right, with the same name and CRS."""
        transform = self.transform @ Affine.translation(left, top)
        return replace(self, transform=transform, cols=right - left, rows=bottom - top)

    def footprint(self) -> BaseGeometry:
        """The grid's outline in WGS 84."""
        return footprint(self.crs, self.transform, self.cols, self.rows)


def grid_over(lon: np.ndarray, lat: np.ndarray, centre: tuple[float, float], method: str, gsd: float) -> Grid:
    """The smallest grid of `gsd` metres, on a lattice through its centre, that holds all the points.

    Args:
        lon, lat: outline of the ground to hold, degrees; longitudes may run past 180.
        centre: (longitude, latitude) of the ground's middle; rounded to 1e-4°, the precision of the name.
    """
    # + 0.0 turns -0.0 into 0.0, because -0.0 would print as another CRS.
    lon0, lat0 = round((centre[0] + 180) % 360 - 180, 4) + 0.0, round(centre[1], 4) + 0.0
    if method == "local_equal_area":
        crs = local_crs(lat0, lon0)
        x, y = from_lonlat(crs, lon, lat)
        step_x = step_y = gsd
        x0 = y0 = 0.0
    else:
        crs, (x0, y0) = "EPSG:4326", (lon0, lat0)
        x, y = lon - 360 * np.round((np.mean(lon) - lon0) / 360), lat
        metres_east, metres_north = metres_per_degree(lat0)
        step_x, step_y = gsd / metres_east, gsd / metres_north
    left, right = np.floor((np.min(x) - x0) / step_x - _SLACK), np.ceil((np.max(x) - x0) / step_x + _SLACK)
    bottom, top = np.floor((np.min(y) - y0) / step_y - _SLACK), np.ceil((np.max(y) - y0) / step_y + _SLACK)
    transform = Affine(step_x, 0, x0 + left * step_x, 0, -step_y, y0 + top * step_y)
    return Grid(_name(lat0, lon0), lat0, lon0, crs, transform, int(right - left), int(top - bottom))


def centred_grid(lon: float, lat: float, px: int, gsd: float) -> Grid:
    """A square of `px` pixels of `gsd` metres around a point, in the equal-area CRS of that point."""
    lon, lat = round((lon + 180) % 360 - 180, 4) + 0.0, round(lat, 4) + 0.0
    half = px * gsd / 2
    transform = Affine(gsd, 0, -half, 0, -gsd, half)
    return Grid(_name(lat, lon), lat, lon, local_crs(lat, lon), transform, px, px)


def metres_per_degree(lat: float) -> tuple[float, float]:
    """Length in metres of a degree of longitude and of a degree of latitude at `lat` on the WGS 84 ellipsoid."""
    phi = np.radians(lat)
    curve = 1 - _E2 * np.sin(phi) ** 2
    prime_vertical, meridian = _A / np.sqrt(curve), _A * (1 - _E2) / curve**1.5
    return float(np.radians(prime_vertical * np.cos(phi))), float(np.radians(meridian))


def _name(lat: float, lon: float) -> str:
    """Name of a point in ten-thousandths of a degree: N465000E0082500 is 46.5° north, 8.25° east."""
    return f"{'S' if lat < 0 else 'N'}{round(abs(lat) * 1e4):06d}{'W' if lon < 0 else 'E'}{round(abs(lon) * 1e4):07d}"
