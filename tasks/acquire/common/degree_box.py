"""The footprint of a raster in degrees, from points along its outline: two corners do not bound a projected raster."""

from __future__ import annotations

import numpy as np
from affine import Affine
from pyproj import CRS, Transformer
from pyproj.exceptions import ProjError

from tasks.acquire.common.source import Refusal

_STEPS = 64  # points along each side: a straight side of a projected raster is a curve in degrees


def lonlat_box(crs: str, transform: Affine, cols: int, rows: int) -> tuple[float, float, float, float]:
    """West, south, east, north; west > east means across 180°. `Refusal` where the CRS leads to no place on Earth."""
    try:
        source = CRS.from_user_input(crs)
        to_lonlat = Transformer.from_crs(source, "EPSG:4326", always_xy=True)
    except ProjError as error:
        raise Refusal(f"its CRS cannot be used: {error}") from None
    t = np.linspace(0, 1, _STEPS + 1)
    zero, one = np.zeros_like(t), np.ones_like(t)
    col = np.concatenate([t, one, 1 - t, zero]) * cols
    row = np.concatenate([zero, t, one, 1 - t]) * rows
    x, y = transform @ (col, row)
    if source.is_geographic:
        _check_degrees(x, y, transform)
    lon, lat = to_lonlat.transform(x, np.clip(y, -90, 90) if source.is_geographic else y)
    if not (np.isfinite(lon).all() and np.isfinite(lat).all()):
        raise Refusal("its coordinates lead to no place on Earth in its CRS")
    south, north = float(np.min(lat)), float(np.max(lat))
    if source.is_geographic:
        west, east = float(np.min(x)), float(np.max(x))
    else:
        # Unwrapped along the outline, so that a raster across 180° is as narrow as it really is.
        lon = np.unwrap(lon, period=360)
        west, east = float(np.min(lon)), float(np.max(lon))
        for pole in (-90.0, 90.0):
            if _holds(pole, to_lonlat, transform, cols, rows):
                west, east, south, north = -180.0, 180.0, min(south, pole), max(north, pole)
    if east - west >= 360:
        return -180.0, max(south, -90.0), 180.0, min(north, 90.0)
    return _turn(west), max(south, -90.0), _turn(east, 180.0), min(north, 90.0)


def _check_degrees(x: np.ndarray, y: np.ndarray, transform: Affine) -> None:
    """Refuse degrees beyond the Earth: the CRS is wrong. One pixel beyond is allowed (rasters on grid points)."""
    pixel = max(abs(transform.a), abs(transform.b), abs(transform.d), abs(transform.e))
    inside = np.abs(y).max() <= 90 + pixel and x.min() >= -360 - pixel and x.max() <= 540 + pixel
    if not inside or x.max() - x.min() > 360 + 2 * pixel:
        raise Refusal(
            f"its CRS is in degrees, but its coordinates go from {x.min():g} to {x.max():g} and from "
            f"{y.min():g} to {y.max():g}: the CRS is wrong"
        )


def _holds(pole: float, to_lonlat: Transformer, transform: Affine, cols: int, rows: int) -> bool:
    """Whether the pole lies inside the raster."""
    x, y = to_lonlat.transform(0.0, pole, direction="INVERSE")
    if not (np.isfinite(x) and np.isfinite(y)):
        return False
    col, row = ~transform @ (x, y)
    return bool(0 <= col <= cols and 0 <= row <= rows)


def _turn(lon: float, top: float = 180.0 - 1e-12) -> float:
    """A longitude in -180..`top`."""
    turned = (lon + 180) % 360 - 180
    return 180.0 if turned == -180.0 and top == 180.0 else turned
