"""Periodic coordinates: a source is read in a frame that has no seam near the scene.

A geographic raster can be shifted by multiples of 360°: GDAL re-wraps longitudes around the middle of the window
that it gets. A cylindrical raster (for example Mercator) is read in the same projection with its central meridian
moved to the far side of the Earth. Other projections (UTM, polar, conic) have no seam at 180°.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from pyproj import CRS

from tasks.project.projection import from_lonlat

_WEB = "Popular Visualisation Pseudo Mercator"
_CYLINDRICAL = ("Mercator", _WEB, "Equidistant Cylindrical", "Plate Carree", "Lambert Cylindrical Equal Area")
_CENTRAL_MERIDIAN = "Longitude of natural origin"


@dataclass(frozen=True)
class Frame:
    """The CRS in which a source is read for one scene.

    Attributes:
        crs: WKT for GDAL. period: circumference of the Earth in units of x, or None where x is not periodic.
        shift: offset from a source's own x to x of the frame, up to whole periods. middle: x of the scene's centre.
        geographic: whether x is longitude, which GDAL accepts in any range.
    """

    crs: str
    period: float | None
    shift: float
    middle: float
    geographic: bool

    def near(self, x: np.ndarray, middle: float) -> np.ndarray:
        """`x` of the frame, shifted by whole periods to within half a period of `middle`."""
        if self.period is None:
            return x
        return x - self.period * np.round((x - middle) / self.period)

    def shifts(self, west: float, east: float) -> list[float]:
        """Offsets to add to x of a source that spans west..east: one for each copy of the source near the scene."""
        if self.period is None:
            return [0.0]
        # A scene at a pole needs a whole turn in each direction, and a little more for the halo.
        turns = 1.05 if self.geographic else 0.55
        low, high = self.middle - turns * self.period, self.middle + turns * self.period
        first = int(np.ceil((low - east - self.shift) / self.period))
        last = int(np.floor((high - west - self.shift) / self.period))
        return [self.shift + k * self.period for k in range(first, last + 1)]


@lru_cache(512)
def frame(wkt: str, lon: float) -> Frame:
    """The frame in which a source's CRS is read for a scene centred at longitude `lon`."""
    crs = CRS.from_wkt(wkt)
    if crs.is_geographic:
        turn = 2 * np.pi / crs.axis_info[0].unit_conversion_factor
        return Frame(wkt, turn, 0.0, lon * turn / 360, geographic=True)
    if not _is_cylindrical(crs):
        return Frame(wkt, None, 0.0, 0.0, geographic=False)
    here, there = (_x_of(crs, side) for side in (-90.0, 90.0))
    period = 2 * (there - here)
    if abs(lon) <= 90:
        return Frame(wkt, period, 0.0, _x_of(crs, lon), geographic=False)
    turned = _turned(crs)
    return Frame(turned.to_wkt(), period, -period / 2, _x_of(turned, lon), geographic=False)


def _is_cylindrical(crs: CRS) -> bool:
    operation = crs.coordinate_operation
    if operation is None or not crs.is_projected:
        return False
    name = operation.method_name
    central = [p.value for p in operation.params if p.name == _CENTRAL_MERIDIAN]
    known = any(name.startswith(kind) for kind in _CYLINDRICAL)
    return known and central == [0.0]


def _turned(crs: CRS) -> CRS:
    """The same projection with its central meridian at 180°."""
    if crs.coordinate_operation.method_name == _WEB:
        # GDAL keeps this CRS as its original PROJ string and would lose a moved meridian.
        return CRS.from_proj4("+proj=webmerc +lon_0=180 +datum=WGS84 +units=m")
    as_json = crs.to_json_dict()
    as_json.pop("id", None)
    as_json["conversion"].pop("id", None)
    for parameter in as_json["conversion"]["parameters"]:
        if parameter["name"] == _CENTRAL_MERIDIAN:
            parameter["value"] = 180
    return CRS.from_json_dict(as_json)


def _x_of(crs: CRS, lon: float) -> float:
    return from_lonlat(crs.to_wkt(), lon, 0.0)[0]
