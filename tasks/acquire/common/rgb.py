"""Pictures with a place on Earth, as sources write them that put them together: GeoTIFFs of three bands with a mask."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import rasterio
from affine import Affine
from rasterio.enums import ColorInterp
from rasterio.io import DatasetWriter


@contextmanager
def rgb_geotiff(
    path: Path, rows: int, cols: int, crs: str, transform: Affine, tags: dict[str, str]
) -> Iterator[DatasetWriter]:
    """Open a GeoTIFF for red, green and blue of 8 bits, compressed without loss. Its mask stands inside the file.

    Args:
        crs: as WKT. tags: of the file, which say where it comes from.
    """
    profile = {
        "driver": "GTiff",
        "dtype": "uint8",
        "count": 3,
        "height": rows,
        "width": cols,
        "crs": crs,
        "transform": transform,
        "compress": "DEFLATE",
        "predictor": 2,
        "interleave": "pixel",
        "photometric": "RGB",
        "tiled": True,
        "blockxsize": 512,
        "blockysize": 512,
    }
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "w", **profile) as target:
        target.colorinterp = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
        target.update_tags(**tags)
        yield target
