"""A person's own terrain, as a model needs it: square, in metres, at the model's distance of pixels."""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import rasterio
from pyproj import Geod
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader

from tasks.core.errors import LandloomError
from tasks.generate.steering.gdal_commands import cut, degrees, quoted, resampled, warped
from tasks.generate.terrain.place import Place

METRE = {None, "", "m", "metre", "metres", "meter", "meters"}
SAME = 0.01  # largest relative difference of two distances of pixels that count as equal
TRUE = 0.03  # largest relative difference of a distance on the map and on the ground


class Heights(NamedTuple):
    """A raster as read: `height` float32 (h, w) metres with NaN for voids, metres a pixel, and its place."""

    height: np.ndarray
    gsd: float
    place: Place


def read_heights(path: Path, wanted: float) -> Heights:
    """Read a raster of heights with one band.

    Args:
        wanted: metres a pixel that the model takes. A command in a message makes such pixels; others are read too.

    Raises:
        LandloomError: it cannot be read, or its units, its CRS or its pixels are not what heights need.
    """
    if not path.is_file():
        raise LandloomError(f"{path}: there is no such file")
    try:
        with rasterio.open(path) as raster:
            gsd = _gsd(path, raster, wanted)
            scale, offset = raster.scales[0], raster.offsets[0]
            values = raster.read(1, masked=True).astype(np.float64).filled(np.nan) * scale + offset
            place = Place(path.name, raster.crs.to_wkt(), raster.transform)
    except RasterioError as error:
        raise LandloomError(f"{path}: not a raster that can be read: {' '.join(str(error).split())}") from None
    values[~np.isfinite(values)] = np.nan
    if np.isnan(values).all():
        raise LandloomError(f"{path}: every pixel is a void")
    return Heights(values.astype(np.float32), gsd, place)


def fitting(path: Path, px: int, gsd: float, what: str) -> Heights:
    """The heights of `path`, which must have `px` × `px` pixels of `gsd` metres; `what` says why in the message."""
    found = read_heights(path, gsd)
    if abs(found.gsd / gsd - 1) > SAME:
        raise LandloomError(
            f"{path}: {found.gsd:g} m a pixel, and {what} takes {gsd:g} m; resample it, as with "
            f"`{resampled(path, found.gsd, gsd)}`"
        )
    rows, cols = found.height.shape
    if (rows, cols) != (px, px):
        advice = "give a raster of more ground"
        if min(rows, cols) >= px:
            advice = f"cut a square out of it, as the middle one with `{cut(path, rows, cols, px)}`"
        raise LandloomError(f"{path}: {cols} × {rows} pixels, and {what} takes {px} × {px}; {advice}")
    return found


def _gsd(path: Path, raster: DatasetReader, wanted: float) -> float:
    """Metres a pixel; LandloomError where a pixel is no square of metres."""
    if raster.count != 1:
        raise LandloomError(f"{path}: {raster.count} bands, and heights have one")
    if np.dtype(raster.dtypes[0]).kind not in "iuf":
        raise LandloomError(f"{path}: numbers of kind {raster.dtypes[0]} are no heights")
    unit = raster.units[0]
    if (unit or "").strip().lower() not in METRE:
        raise LandloomError(f"{path}: its heights are in {unit}; convert them to metres")
    if raster.crs is None:
        raise LandloomError(
            f"{path}: it has no CRS, so the size of its pixels is unknown; `gdal_edit.py -a_srs EPSG:CODE "
            f"{quoted(path)}` sets it"
        )
    name, metres = raster.crs.units_factor
    on_earth = raster.crs.is_geographic or raster.crs.is_projected
    true = _true(raster) if on_earth else metres * math.hypot(raster.transform.a, raster.transform.d)
    if not math.isfinite(true):
        raise LandloomError(
            f"{path}: in its CRS its middle is no place on Earth; give a raster of the Earth within the area of its CRS"
        )
    if raster.crs.is_geographic or abs(metres - 1) > 1e-6:
        advice = f"warp it to one in metres, as to UTM with `{warped(path, raster, true, wanted)}`"
        raise LandloomError(f"{path}: its CRS counts in {name}; {advice if on_earth else 'give one in metres'}")
    across, skew, _, lean, down, _ = raster.transform[:6]
    if abs(skew) + abs(lean) > 1e-9 or down >= 0 or abs(across / -down - 1) > 1e-3:
        advice = warped(path, raster, true, wanted) if on_earth else resampled(path, true, wanted)
        raise LandloomError(
            f"{path}: its pixels are turned or no squares; warp it so that north is up, as with `{advice}`"
        )
    if on_earth and abs(true / across - 1) > TRUE:
        raise LandloomError(
            f"{path}: a pixel of {across:g} m on the map is {true:.1f} m on the ground; warp it to a CRS that keeps "
            f"lengths there, as to UTM with `{warped(path, raster, true, wanted)}`"
        )
    return float(across)


def _true(raster: DatasetReader) -> float:
    """Metres on the ground from the centre of the raster to one pixel further east."""
    col, row = raster.width / 2, raster.height / 2
    return float(Geod(ellps="WGS84").inv(*degrees(raster, col, row), *degrees(raster, col + 1, row))[2])
