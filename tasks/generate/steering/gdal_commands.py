"""Commands of GDAL that make a raster fit a model, whole, for the messages of errors."""

from __future__ import annotations

import math
import shlex
from pathlib import Path

from pyproj import Transformer
from pyproj.exceptions import ProjError
from rasterio.io import DatasetReader

UTM_ENDS = 84.0  # degrees of latitude; beyond them lies universal polar stereographic


def warped(path: Path, raster: DatasetReader, metres: float, gsd: float) -> str:
    """The command that brings a raster to UTM, north up, with pixels of `gsd` metres.

    Args:
        metres: from one pixel to the next on the ground.
    """
    return _warp(path, f"-t_srs {_metric(raster)} ", metres, gsd)


def resampled(path: Path, metres: float, gsd: float) -> str:
    """The command that gives a raster with pixels of `metres` pixels of `gsd` metres, north up, in its own CRS."""
    return _warp(path, "", metres, gsd)


def cut(path: Path, rows: int, cols: int, px: int) -> str:
    """The command that cuts the middle square of `px` × `px` pixels out of a raster of `rows` × `cols`."""
    there = _beside(path, f"{px}px")
    return f"gdal_translate -srcwin {(cols - px) // 2} {(rows - px) // 2} {px} {px} {quoted(path)} {there}"


def filled(path: Path) -> str:
    """The command that fills the voids of a raster from the heights around them."""
    return f"gdal_fillnodata.py {quoted(path)} {_beside(path, 'filled')}"


def degrees(raster: DatasetReader, col: float, row: float) -> tuple[float, float]:
    """Longitude and latitude of a place of a raster, counted in pixels; not finite where its CRS says no such place."""
    try:
        there = Transformer.from_crs(raster.crs.to_wkt(), "EPSG:4326", always_xy=True)
    except ProjError:  # the CRS of another planet
        return math.nan, math.nan
    return there.transform(*(raster.transform @ (col, row)))


def quoted(path: Path) -> str:
    """A path as one word of a shell."""
    return shlex.quote(str(path))


def _warp(path: Path, crs: str, metres: float, gsd: float) -> str:
    """Ground beyond the raster becomes void. Without `-dstnodata` it would get the height 0."""
    way = "average" if gsd >= 2 * metres else "bilinear"
    there = _beside(path, f"{gsd:g}m")
    return f"gdalwarp -overwrite {crs}-tr {gsd:g} {gsd:g} -r {way} -ot Float32 -dstnodata -9999 {quoted(path)} {there}"


def _metric(raster: DatasetReader) -> str:
    """The UTM zone of the centre on WGS 84; near a pole, universal polar stereographic; for no place, `EPSG:CODE`."""
    lon, lat = degrees(raster, raster.width / 2, raster.height / 2)
    if not (math.isfinite(lon) and abs(lat) <= 90):
        return "EPSG:CODE"
    if abs(lat) > UTM_ENDS:
        return f"EPSG:{32761 if lat < 0 else 32661}"
    return f"EPSG:{(32700 if lat < 0 else 32600) + int((lon + 180) // 6) % 60 + 1}"


def _beside(path: Path, end: str) -> str:
    return quoted(path.with_name(f"{path.stem}_{end}.tif"))
