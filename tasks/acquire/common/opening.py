"""How acquire opens a published raster: in formats that hold their own pixels, and in no other."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import rasterio
from rasterio.drivers import raster_driver_extensions
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import DatasetReader

DRIVERS = [
    *("GTiff", "SRTMHGT", "USGSDEM", "ENVI", "EHdr", "netCDF", "AAIGrid", "GRASSASCIIGrid", "DTED", "HFA"),
    *("JP2OpenJPEG", "JPEG", "PNG", "WEBP", "GIF", "BMP"),
]
"""Formats that hold their own pixels. Virtual formats (VRT, WMS) are left out, because they can point anywhere."""


def other_format(path: Path) -> str | None:
    """Why a file is refused whose ending is that of a format which GDAL reads and this room does not; else None."""
    driver = raster_driver_extensions().get(path.suffix.lower().removeprefix("."))
    if driver is None or driver in DRIVERS:
        return None
    return f"a file of the format {driver}, which is not taken; convert it to GeoTIFF (gdal_translate)"


@contextmanager
def opened(path: Path) -> Iterator[DatasetReader]:
    """Open a published raster in one of `DRIVERS`. Every reader of this room opens through this function.

    `rasterio.open` takes one driver only. `DatasetReader` takes a list, but registers no driver: without an
    environment, the first raster of a process has none.

    Raises:
        RasterioError: no driver of the list can open it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.Env(), DatasetReader(path, driver=DRIVERS) as dataset:
            yield dataset
