"""Scale and offset of a raster of heights, as acquire notes them and project reads them.

The note stands in `<name>.aux.xml`. GDAL's own items Scale and Offset serve other programs; but the netCDF driver does
not read them. So the item `metres` of our domain says the same, and comes first.
"""

from __future__ import annotations

from rasterio.io import DatasetReader

DOMAIN, KEY = "LANDLOOM", "metres"


def metres_note(scale: float, offset: float) -> str:
    """The text of the item."""
    return f"{scale!r} {offset!r}"


def noted(dataset: DatasetReader) -> bool:
    """Whether acquire noted how numbers become metres. It notes that only where the file itself says otherwise."""
    return KEY in dataset.tags(ns=DOMAIN)


def scale_and_offset(dataset: DatasetReader) -> tuple[float, float]:
    """Metres = stored number × scale + offset."""
    said = dataset.tags(ns=DOMAIN).get(KEY)
    if said is None:
        return float(dataset.scales[0]), float(dataset.offsets[0])
    scale, offset = said.split()
    return float(scale), float(offset)
