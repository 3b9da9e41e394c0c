"""Heights in metres as a float GeoTIFF."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tasks.generate.export import Export, Facts, Order

if TYPE_CHECKING:
    from tasks.generate.terrain.terrain import Terrain


def _write(folder: Path, terrain: Terrain, order: Order) -> Facts:
    from tasks.generate.terrain.rasterfiles import write_geotiff

    tags = {key.upper(): str(value) for key, value in terrain.facts.items()}
    tags |= {"PLACE": "none: generated" if terrain.place is None else "partly generated", "UNIT": "metre"}
    write_geotiff(folder / f"{terrain.name}.tif", terrain.height, terrain.gsd, tags, terrain.place)
    return {}


EXPORT = Export(
    title="GeoTIFF",
    products=("heights", "painting"),
    files={"tif": "GeoTIFF"},
    write=_write,
    note="The GeoTIFF is in metres, in a coordinate system of no place on Earth.",
)
