"""Places of tiles on Earth: centres, footprints and bounding boxes in WGS 84, correct at 180° and the poles too."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from affine import Affine
from pyproj import Transformer

EARTH_KM = 6371.0088  # mean radius
WGS84 = "+proj=longlat +datum=WGS84"  # EPSG:4326 in words that PROJ resolves twenty times as fast
# Corners and middles of the sides, clockwise from the first pixel, as shares of a window's height and width.
_RING = ((0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0))


@dataclass(frozen=True)
class Footprints:
    """Places of n tiles, in degrees.

    Attributes:
        lat, lon: centres (n,).
        ring_lat, ring_lon: eight points around each tile (n, 8). Longitudes may pass ±180°, so that
            they stay near that of the centre.
        pole: 1 where a tile holds the North Pole, -1 the South Pole, 0 neither (n,).
    """

    lat: np.ndarray
    lon: np.ndarray
    ring_lat: np.ndarray
    ring_lon: np.ndarray
    pole: np.ndarray

    def boxes(self, margin_km: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """West, south, east, north of boxes that hold each tile and `margin_km` around it.

        Longitudes may pass ±180°. A tile that contains a pole spans all longitudes. Sides are curved between the
        eight known points; the box is enlarged for that, in proportion to the distance between the points.
        """
        side = self.side_km()
        steep = np.tan(np.radians(np.minimum(np.abs(self.lat) + np.degrees(side / EARTH_KM), 89.9)))
        sag = side**2 / (8 * EARTH_KM) * (1 + steep)
        margin = np.degrees((margin_km + sag) / EARTH_KM)
        south, north = self.ring_lat.min(axis=1) - margin, self.ring_lat.max(axis=1) + margin
        south = np.where(self.pole < 0, -90.0, np.maximum(south, -90.0))
        north = np.where(self.pole > 0, 90.0, np.minimum(north, 90.0))
        narrow = np.cos(np.radians(np.minimum(np.maximum(np.abs(south), np.abs(north)), 89.99)))
        west, east = self.ring_lon.min(axis=1) - margin / narrow, self.ring_lon.max(axis=1) + margin / narrow
        polar = (self.pole != 0) | (np.abs(south) == 90) | (np.abs(north) == 90) | (east - west >= 360)
        return np.where(polar, -180.0, west), south, np.where(polar, 180.0, east), north

    def side_km(self) -> np.ndarray:
        """Twice the longest distance between two neighbours of the eight points: about a side (n,)."""
        lat, lon = np.radians(self.ring_lat), np.radians(self.ring_lon)
        next_lat, next_lon = np.roll(lat, -1, axis=1), np.roll(lon, -1, axis=1)
        half = np.sin((next_lat - lat) / 2) ** 2 + np.cos(lat) * np.cos(next_lat) * np.sin((next_lon - lon) / 2) ** 2
        return 4 * EARTH_KM * np.arcsin(np.sqrt(half)).max(axis=1)

    def polygons(self) -> np.ndarray:
        """Footprints as shapely geometries within ±180°; a footprint that crosses 180° is cut in two."""
        ring = np.stack([self.ring_lon, self.ring_lat], axis=-1)
        shapes = shapely.polygons(np.concatenate([ring, ring[:, :1]], axis=1))
        for k in np.flatnonzero(self.pole != 0):
            shapes[k] = _cap(self.ring_lon[k], self.ring_lat[k], int(self.pole[k]))
        beyond = (self.pole == 0) & ((self.ring_lon.min(axis=1) < -180) | (self.ring_lon.max(axis=1) > 180))
        for k in np.flatnonzero(beyond):
            shapes[k] = _cut(shapes[k])
        return shapely.orient_polygons(shapes)


def footprints(crs: str, transform: Affine, rows: np.ndarray, cols: np.ndarray, px: int) -> Footprints:
    """Footprints of windows of one scene.

    Args:
        crs: PROJ string or WKT of the scene's grid. transform: from pixels to it.
        rows, cols: first pixels of the windows (n,). px: their side.
    """
    to_degrees = Transformer.from_crs(crs, WGS84, always_xy=True)
    # Windows share their corners, so each place is transformed once.
    ys, xs = (
        np.unique(np.add.outer(np.unique(rows), [0, px / 2, px])),
        np.unique(np.add.outer(np.unique(cols), [0, px / 2, px])),
    )
    x, y = transform @ tuple(np.meshgrid(xs, ys))
    lon, lat = to_degrees.transform(x, y)

    def at(down: float, across: float) -> tuple[np.ndarray, np.ndarray]:
        i, j = np.searchsorted(ys, rows + down * px / 2), np.searchsorted(xs, cols + across * px / 2)
        return lat[i, j], lon[i, j]

    centre_lat, centre_lon = at(1, 1)
    ring_lat, ring_lon = (np.stack(part, axis=1) for part in zip(*(at(*place) for place in _RING), strict=True))
    ring_lon = centre_lon[:, None] + (ring_lon - centre_lon[:, None] + 180) % 360 - 180
    return Footprints(centre_lat, centre_lon, ring_lat, ring_lon, _poles(to_degrees, transform, rows, cols, px))


def _poles(to_degrees: Transformer, transform: Affine, rows: np.ndarray, cols: np.ndarray, px: int) -> np.ndarray:
    """1 for windows that contain the North Pole, -1 for the South Pole, 0 for neither."""
    poles = np.zeros(len(rows), np.int8)
    for pole in (1, -1):
        x, y = to_degrees.transform(0.0, 90.0 * pole, direction="INVERSE")
        if np.isfinite(x) and np.isfinite(y):
            col, row = ~transform @ (x, y)
            poles[(rows <= row) & (row <= rows + px) & (cols <= col) & (col <= cols + px)] = pole
    return poles


def _cap(lon: np.ndarray, lat: np.ndarray, pole: int) -> shapely.Geometry:
    """The footprint of a tile with a pole inside or on its edge: one part for each quarter of longitudes.

    The tile is an ordinary polygon on a plane around the pole, and is cut there. The pole is a point on the plane and a
    line in degrees, from one edge of the quarter to the other.
    """
    away, turn = 90 - pole * lat, np.radians(lon)
    shape = shapely.Polygon(np.stack([away * np.sin(turn), away * np.cos(turn)], axis=1))
    shape = shapely.segmentize(shape, away.max() / 8)
    parts = []
    for west in (-180, -90, 0, 90):
        rays = np.radians(west + np.array([0, 45, 90]))
        wedge = shapely.Polygon([(0, 0), *(9 * away.max() * np.stack([np.sin(rays), np.cos(rays)], axis=1))])
        for part in shapely.get_parts(shapely.intersection(shape, wedge)):
            if part.geom_type == "Polygon" and part.area > 0:
                parts.append(_quarter(part, west, pole))
    return shapely.union_all(parts)


def _quarter(part: shapely.Polygon, west: int, pole: int) -> shapely.Polygon:
    """Convert a polygon on the plane around a pole, within 90° east of `west`, to degrees."""
    x, y = np.asarray(part.exterior.coords)[:-1].T
    away, lon = np.hypot(x, y), np.degrees(np.arctan2(x, y))
    lon = west + np.clip((lon - west + 180) % 360 - 180, 0, 90)
    points = []
    for k in range(len(away)):
        at_pole = away[k] < 1e-9 * away.max()
        points += (
            [(lon[j], 90 * pole) for j in (k - 1, (k + 1) % len(away))]
            if at_pole
            else [(lon[k], pole * (90 - away[k]))]
        )
    return shapely.Polygon(points)


def _cut(shape: shapely.Geometry) -> shapely.Geometry:
    """The parts on both sides of 180° of a polygon that crosses it."""
    parts = []
    for shift in (-360, 0, 360):
        moved = shapely.transform(shape, lambda points, shift=shift: points + [shift, 0])
        part = shapely.intersection(moved, shapely.box(-180, -90, 180, 90))
        if part.area > 0:
            parts.append(part)
    return shapely.MultiPolygon(parts)
