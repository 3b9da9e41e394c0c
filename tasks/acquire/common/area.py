"""The area asked for: everything, a bbox, a GeoJSON file or a list of 1° cells; across 180° too."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import pairwise, product
from math import ceil, floor
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import shapely
from shapely import affinity
from shapely.geometry import box, shape
from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union

from tasks.acquire.common.degree_cells import cell_corner, cell_name
from tasks.core.errors import LandloomError

MARGIN = 0.005
"""Degrees by which a raster must reach into the area to count. Published cells extend half a pixel beyond their degree
(0.0042° at the 30″ of GLO-90 near the poles), so neighbours touch the area without belonging to it."""

_WORLD = box(-180, -90, 180, 90)


class Area:
    """A part of the Earth, as polygons in longitude and latitude within ±180° and ±90°."""

    def __init__(self, geometry: BaseGeometry):
        self.geometry = geometry
        west, south, east, north = geometry.bounds
        self._margin = min(MARGIN, (east - west) / 4, (north - south) / 4)  # for small areas
        shapely.prepare(geometry)

    @classmethod
    def read(cls, given: Sequence[float] | Sequence[str] | str | None, root: Path) -> Area:
        """Build the area from its parameter; a GeoJSON path is relative to `root`."""
        if given is None:
            return cls(_WORLD)
        if isinstance(given, str):
            return cls(_from_geojson(root / given))
        if isinstance(given[0], str):
            return cls(unary_union([box(*cell_box(name)) for name in given]))
        return cls(_boxes(*given))

    def intersects(self, west: float, south: float, east: float, north: float) -> bool:
        """Whether a box (west > east: across 180°) reaches into the area by more than `MARGIN`."""
        whole = _boxes(west, south, east, north)
        for piece in getattr(whole, "geoms", [whole]):
            w, s, e, n = piece.bounds
            dx, dy = min(self._margin, (e - w) / 4), min(self._margin, (n - s) / 4)
            if self.geometry.intersects(box(w + dx, s + dy, e - dx, n - dy)):
                return True
        return False

    def cells(self) -> list[str]:
        """Names of the 1° cells that the area reaches into, sorted from south-west to north-east."""
        w, s, e, n = self.geometry.bounds
        south, west = (grid.ravel() for grid in np.mgrid[floor(s) : min(ceil(n), 90), floor(w) : min(ceil(e), 180)])
        inner = shapely.box(west + MARGIN, south + MARGIN, west + 1 - MARGIN, south + 1 - MARGIN)
        hit = shapely.intersects(self.geometry, inner)
        return [cell_name(int(lat), int(lon)) for lat, lon in zip(south[hit], west[hit], strict=True)]

    def searches(self, step: int = 10) -> list[tuple[float, float, float, float]]:
        """Boxes of at most `step` degrees a side that cover the area: catalogues time out on large ones."""
        w, s, e, n = self.geometry.bounds
        corners = product(range(floor(s / step) * step, ceil(n), step), range(floor(w / step) * step, ceil(e), step))
        parts = [self.geometry.intersection(box(west, south, west + step, south + step)) for south, west in corners]
        return [part.bounds for part in parts if part.area > 0]


def cell_box(name: str) -> tuple[float, float, float, float]:
    """West, south, east, north of a cell."""
    south, west = cell_corner(name)
    return float(west), float(south), float(west + 1), float(south + 1)


def _boxes(west: float, south: float, east: float, north: float) -> BaseGeometry:
    """One box, or two where it crosses 180°. Latitudes beyond the poles are cut, longitudes beyond 180° are wrapped."""
    if west > east:
        east += 360
    return _wrap(box(west, south, east, north))


def _wrap(geometry: BaseGeometry) -> BaseGeometry:
    """Bring longitudes past ±180° back into range, cut at 180°, and latitudes to ±90°."""
    west, _, east, _ = geometry.bounds
    turns = range(floor((west + 180) / 360), ceil((east + 180) / 360))
    pieces = [affinity.translate(geometry.intersection(affinity.translate(_WORLD, 360 * k)), -360 * k) for k in turns]
    return unary_union([piece for piece in pieces if piece.area > 0])


def _from_geojson(path: Path) -> BaseGeometry:
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))  # with a byte-order mark, or without
    except FileNotFoundError:
        raise LandloomError(f"acquire.area: there is no file {path}; give a bbox, cells or a GeoJSON file") from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise LandloomError(f"acquire.area: {path} is not GeoJSON: {error}") from None
    if isinstance(document, dict) and document.get("crs") is not None and not _lonlat(document["crs"]):
        raise LandloomError(f"acquire.area: {path} is not in longitude and latitude (it has a crs); save it as WGS 84")
    try:
        for geometry in _geometries(document):
            _check_edges(geometry, path)
        parts = [shapely.make_valid(shape(geometry)) for geometry in _geometries(document)]
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, shapely.errors.ShapelyError) as error:
        raise LandloomError(f"acquire.area: {path} is not GeoJSON: {error!r}") from None
    whole = unary_union([part for part in parts if part.area > 0])
    if whole.is_empty:
        raise LandloomError(f"acquire.area: {path} holds no polygon; points and lines are no area")
    west, south, east, north = whole.bounds
    if south < -90 or north > 90 or west < -360 or east > 360:
        raise LandloomError(f"acquire.area: {path} is not in longitude and latitude: its bounds are {whole.bounds}")
    return _wrap(whole)


def _lonlat(crs: Any) -> bool:
    """Whether the `crs` member of older GeoJSON says longitude and latitude in degrees from Greenwich."""
    try:
        facts = crs["properties"]
        found = pyproj.CRS.from_user_input(str(facts.get("name") or facts["code"]))
        return (
            found.is_geographic
            and found.prime_meridian.longitude == 0
            and all(axis.unit_name.startswith("degree") for axis in found.axis_info[:2])
        )
    except (LookupError, TypeError, AttributeError, ValueError, pyproj.exceptions.CRSError):
        return False


def _check_edges(geometry: dict[str, Any], path: Path) -> None:
    """Refuse a polygon with an edge of more than half the Earth, whose other way round is shorter.

    An area across 180° is often written without the cut that RFC 7946 asks for (section 3.1.9). Taken literally, it is
    the rest of the Earth. Edges of whole turns are those of belts around the Earth.
    """
    for ring in _rings(geometry.get("coordinates"), geometry["type"]):
        for (west, *_), (east, *_) in pairwise(ring):
            if 180 < abs(east - west) < 360:
                short = east + 360 if east < west else east - 360
                raise LandloomError(
                    f"acquire.area: {path}: an edge goes from longitude {west:g} to {east:g}, which has two meanings. "
                    f"Write {short:g} for {east:g}, or cut the area at 180 degrees, for the short way; add a corner "
                    "between them for the long way"
                )


def _rings(coordinates: Any, kind: str) -> Iterable[list[list[float]]]:
    polygons = {"Polygon": [coordinates], "MultiPolygon": coordinates}.get(kind, [])
    return [ring for polygon in polygons for ring in polygon]


def _geometries(document: Any) -> Iterable[dict[str, Any]]:
    """Every geometry of a FeatureCollection, a Feature or a bare geometry."""
    kind = document["type"]
    if kind == "FeatureCollection":
        for feature in document["features"]:
            yield from _geometries(feature)
    elif kind == "Feature":
        if document["geometry"]:
            yield from _geometries(document["geometry"])
    elif kind == "GeometryCollection":
        for geometry in document["geometries"]:
            yield from _geometries(geometry)
    else:
        yield document
