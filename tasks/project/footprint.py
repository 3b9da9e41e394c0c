"""Where on Earth a raster lies, as polygons that may cross 180° or hold a pole.

The code never takes a bounding box of longitudes. It follows the outline in small steps, unwraps the longitudes
along it, and cuts the result at 180° at the end.
"""

from __future__ import annotations

import numpy as np
from affine import Affine
from pyproj import Geod
from shapely import Polygon, affinity, box, make_valid, unary_union
from shapely.geometry.base import BaseGeometry

from tasks.project.projection import from_lonlat, is_geographic, to_lonlat

GEOD = Geod(ellps="WGS84")
_STEPS = 128  # steps a side; an even number, so that the middle of each side is a vertex


def outline_pixels(cols: float, rows: float, steps: int = _STEPS) -> tuple[np.ndarray, np.ndarray]:
    """Pixel coordinates (col, row) of a raster's outline, clockwise from its upper left, not closed."""
    t = np.arange(steps) / steps
    zero, one = np.zeros(steps), np.ones(steps)
    return (
        np.concatenate([t, one, 1 - t, zero]) * cols,
        np.concatenate([zero, t, one, 1 - t]) * rows,
    )


def footprint(crs: str, transform: Affine, cols: int, rows: int) -> BaseGeometry:
    """WGS 84 footprint of a raster within ±180° and ±90°; a MultiPolygon where it crosses 180°.

    Raises `ValueError` where the outline has no longitude and latitude (a whole-world projection).
    """
    lon, lat = to_lonlat(crs, *(transform @ outline_pixels(cols, rows)))
    if not (np.isfinite(lon).all() and np.isfinite(lat).all()):
        raise ValueError("part of its outline is not on the globe in this CRS")
    shape = _polygon(np.asarray(lon), np.clip(lat, -90, 90), _poles(crs, transform, cols, rows))
    return wrap(shape).simplify(0)  # drops the vertices along straight sides


def wrap(shape: BaseGeometry) -> BaseGeometry:
    """Cut a polygon whose longitudes pass ±180° and move the parts into range."""
    west, _, east, _ = shape.bounds
    turns = range(int(np.floor((west + 180) / 360)), int(np.floor((east + 180) / 360)) + 1)
    pieces = [
        affinity.translate(shape.intersection(box(360 * k - 180, -90, 360 * k + 180, 90)), -360 * k) for k in turns
    ]
    return unary_union([piece for piece in pieces if piece.area > 0] or pieces)


def ground_gsd(crs: str, transform: Affine, cols: int, rows: int) -> tuple[float, float]:
    """Size in metres on the ellipsoid of the pixel at a raster's centre: along a row and along a column."""
    col, row = cols / 2, rows / 2
    # Measured from half a pixel before to half a pixel after, so that it works for a centre on a pole.
    step = np.array([-0.5, 0.5, 0.0, 0.0])
    lon, lat = to_lonlat(crs, *(transform @ (col + step, row + step[::-1])))
    if not (np.isfinite(lon).all() and np.isfinite(lat).all()):
        raise ValueError("its centre is not on the globe in this CRS")
    _, _, metres = GEOD.inv(lon[::2], lat[::2], lon[1::2], lat[1::2])
    return float(metres[0]), float(metres[1])


def _poles(crs: str, transform: Affine, cols: int, rows: int) -> list[float]:
    """Latitudes (90, -90) of the poles that lie strictly inside the raster as points."""
    if is_geographic(crs):
        return []  # a pole is an edge of such a raster, not a point
    found = []
    for pole in (90.0, -90.0):
        x, y = from_lonlat(crs, 0.0, pole)
        if np.isfinite(x) and np.isfinite(y):
            col, row = ~transform @ (x, y)
            # A cylindrical CRS maps a pole to a line, so the neighbours of the point at longitude 0 are the pole too.
            _, beside = to_lonlat(crs, x + transform.a, y)
            if 0 < col < cols and 0 < row < rows and abs(beside) < 90:
                found.append(pole)
    return found


def _polygon(lon: np.ndarray, lat: np.ndarray, poles: list[float]) -> BaseGeometry:
    lon, lat = _open_poles(lon, lat)
    ring = np.append(lon, lon[0])
    ring = np.unwrap(ring, period=360)
    if abs(ring[-1] - ring[0]) > 180:  # the outline goes once around the Earth: it is closed through the pole inside
        pole = poles[0] if poles else (90.0 if lat.mean() > 0 else -90.0)
        points = [*zip(ring, np.append(lat, lat[0]), strict=True), (ring[-1], pole), (ring[0], pole)]
    else:
        points = list(zip(ring[:-1], lat, strict=True))
    shape = Polygon(points)
    return shape if shape.is_valid else make_valid(shape)


def _open_poles(lon: np.ndarray, lat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Replace a vertex on a pole, which has no longitude, by two vertices with the longitudes of its neighbours."""
    at_pole = np.abs(lat) > 90 - 1e-9
    if not at_pole.any() or at_pole.all():
        return lon, lat
    out_lon: list[float] = []
    out_lat: list[float] = []
    for i in range(len(lon)):
        before, after = (i - 1) % len(lon), (i + 1) % len(lon)
        if at_pole[i] and not (at_pole[before] or at_pole[after]):
            out_lon += [lon[before], lon[after]]
            out_lat += [lat[i], lat[i]]
        else:
            out_lon.append(lon[i])
            out_lat.append(lat[i])
    return np.array(out_lon), np.array(out_lat)
