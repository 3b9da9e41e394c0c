"""Transformers between longitude and latitude and any CRS, kept for each process: PROJ needs 13 ms to find one."""

from __future__ import annotations

from functools import cache, lru_cache

import numpy as np
from pyproj import CRS, Transformer

_LOCAL = "+proj=laea "


def local_crs(lat: float, lon: float) -> str:
    """Lambert azimuthal equal-area on WGS 84, centred at (lat, lon) degrees, as a PROJ string."""
    return f"{_LOCAL}+lat_0={lat:.4f} +lon_0={lon:.4f} +datum=WGS84 +units=m +no_defs"


def from_lonlat(crs: str, lon: np.ndarray, lat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """WGS 84 degrees to x, y of `crs` (PROJ string, WKT or EPSG code); inf where there is no such point."""
    return _transformer(crs).transform(lon, lat)


def to_lonlat(crs: str, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """x, y of `crs` to WGS 84 degrees; inf where there is no such point."""
    return _transformer(crs).transform(x, y, direction="INVERSE")


@cache
def is_geographic(crs: str) -> bool:
    """Whether the CRS counts in degrees."""
    return not crs.startswith(_LOCAL) and CRS.from_user_input(crs).is_geographic


@lru_cache(256)
def _transformer(crs: str) -> Transformer:
    if crs.startswith(_LOCAL):  # the same datum: PROJ needs to look for no operation
        projection = crs.replace(" +no_defs", "").replace(" +datum=", " +ellps=")
        return Transformer.from_pipeline(
            f"+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad +step {projection}"
        )
    return Transformer.from_crs("EPSG:4326", CRS.from_user_input(crs), always_xy=True)
