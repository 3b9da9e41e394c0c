"""Where a raster lies on Earth: its CRS, which a person may know better, and its transform."""

from __future__ import annotations

import numpy as np
import pyproj
import rasterio.crs
from rasterio.errors import CRSError
from rasterio.io import DatasetReader

from tasks.acquire.common.degree_box import lonlat_box
from tasks.acquire.common.fields import Override
from tasks.acquire.common.source import Refusal

NOWHERE = (None, None, None, None)
"""The footprint of a picture with no place on Earth."""

Box = tuple[float | None, float | None, float | None, float | None]


def place_of(dataset: DatasetReader, override: Override, needed: bool) -> tuple[str | None, Box]:
    """CRS (WKT) and footprint in degrees; null for a picture without a place where none is needed.

    Raises:
        Refusal: it has no usable place.
    """
    crs = _crs(dataset, override, needed)
    if crs is None:
        return None, NOWHERE
    transform = dataset.transform
    if transform.is_identity:
        raise Refusal("a CRS but no georeference: nothing says where its corners lie")
    if not np.isfinite(transform[:6]).all() or abs(transform.determinant) == 0:
        raise Refusal("its georeference gives pixels of no size")
    return crs, lonlat_box(crs, transform, dataset.width, dataset.height)


def _crs(dataset: DatasetReader, override: Override, needed: bool) -> str | None:
    if "crs" in override:
        try:
            crs = rasterio.crs.CRS.from_user_input(override["crs"])
        except (CRSError, ValueError) as error:
            raise Refusal(f"its override gives it the CRS {override['crs']!r}, which is none: {error}") from None
    elif dataset.crs:
        crs = dataset.crs
    elif not needed:
        return None  # a photograph has no place on Earth and needs none
    else:
        raise Refusal('no CRS, so no place on Earth; say which in its override (crs: "EPSG:…")')
    if not (crs.is_geographic or crs.is_projected):
        name = crs.to_wkt().split("[", 1)[0]
        raise Refusal(f'its CRS is a {name}, tied to no place; say the true one in its override (crs: "EPSG:…")')
    if crs.is_geographic and (odd := _other_degrees(crs)):
        raise Refusal(f"its coordinates are {odd}; convert them to degrees from Greenwich (gdalwarp -t_srs EPSG:4326)")
    return str(crs.to_wkt())


def _other_degrees(crs: rasterio.crs.CRS) -> str | None:
    """What the coordinates of a geographic CRS are where they are no degrees from Greenwich; else None."""
    try:
        known = pyproj.CRS.from_wkt(crs.to_wkt())
    except pyproj.exceptions.CRSError:
        return None  # the look at its footprint tells
    unit, meridian = known.axis_info[0], known.prime_meridian
    if abs(unit.unit_conversion_factor * 180 / np.pi - 1) > 1e-9:
        return f"in {unit.unit_name}, no degrees"
    if meridian is not None and meridian.longitude != 0:
        return f"counted from the meridian of {meridian.name}"
    return None
