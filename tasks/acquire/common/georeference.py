"""The place and scale that a person states for a raster, written where every GDAL program looks for them.

The published file stays as it is: the facts stand beside it in `<name>.aux.xml`, GDAL's own note on a raster (PAM).
"""

from __future__ import annotations

from pathlib import Path

from affine import Affine
from rasterio.errors import RasterioError

from tasks.acquire.common.fields import Override
from tasks.acquire.common.inspect import opened
from tasks.core.files import atomic_file


def write_georeference(path: Path, override: Override) -> None:
    """Write the note for a raster whose override has `bounds` or `scale`; nothing for any other.

    A file that cannot be opened is left for `inspect` to refuse.
    """
    bounds, scale = override.get("bounds"), override.get("scale")
    if bounds is None and scale is None:
        return
    try:
        with opened(path) as dataset:
            cols, rows, place = dataset.width, dataset.height, dataset.transform
            void = override.get("nodata", dataset.nodata)
    except RasterioError:
        return
    if bounds is not None:
        west, south, east, north = bounds
        place = Affine((east - west) / cols, 0, west, 0, (south - north) / rows, north)
    numbers = ", ".join(repr(float(value)) for value in place.to_gdal())
    lines = ["<PAMDataset>", f"  <GeoTransform>{numbers}</GeoTransform>"]
    if scale is not None:
        lines += ['  <PAMRasterBand band="1">', f"    <Scale>{scale!r}</Scale>", "    <Offset>0</Offset>"]
        lines += [] if void is None else [f"    <NoDataValue>{void!r}</NoDataValue>"]
        lines += ["  </PAMRasterBand>"]
    with atomic_file(path.with_name(f"{path.name}.aux.xml")) as part:
        part.write_text("\n".join([*lines, "</PAMDataset>"]) + "\n")
