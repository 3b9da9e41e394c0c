"""Coordinates that come round again: a source is read in a frame in which 180° is an ordinary place.

A geographic raster may be shifted by whole turns: GDAL re-wraps longitudes around the middle of the window it is
given. A cylindrical one (Mercator and its kin) is read in the same projection with its central meridian moved to
the far side of the Earth. All others (UTM, polar, conic) have no seam at 180°.
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
    """A source's CRS as a scene sees it.

    Attributes:
        crs: WKT to give to GDAL. period: units once around the Earth, or None where nothing comes round.
        shift: add to a source's own x to be in the frame, but for whole periods. middle: x of the scene's centre.
        geographic: longitudes, of which GDAL takes any.
    """

    crs: str
    period: float | None
    shift: float
    middle: float
    geographic: bool

    def near(self, x: np.ndarray, middle: float) -> np.ndarray:
        """`x` of the frame, moved by whole periods to within half a period of `middle`."""
        if self.period is None:
            return x
        return x - self.period * np.round((x - middle) / self.period)

    def shifts(self, west: float, east: float) -> list[float]:
        """What to add to the x of a source that spans west..east, once for each time it is near the scene."""
        if self.period is None:
            return [0.0]
        # A scene at a pole looks a whole turn each way, and a little more for the halo.
        turns = 1.05 if self.geographic else 0.55
        low, high = self.middle - turns * self.period, self.middle + turns * self.period
        first = int(np.ceil((low - east - self.shift) / self.period))
        last = int(np.floor((high - west - self.shift) / self.period))
        return [self.shift + k * self.period for k in range(first, last + 1)]


@lru_cache(512)
def frame(wkt: str, lon: float) -> Frame:
    """The frame of a source's CRS for a scene centred at longitude `lon`."""
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
        # GDAL keeps this one by its PROJ string, in which a moved meridian would be lost.
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
