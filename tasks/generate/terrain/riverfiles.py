"""River lines as a GeoPackage."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
from shapely import LineString

from tasks.generate.terrain.place import Place
from tasks.generate.terrain.rasterfiles import georeference
from tasks.relief.rivers import River

DATE = "2000-01-01T00:00:00.000Z"
"""The file records when it was changed. With a fixed date, the same lines give the same bytes."""


def write_rivers(path: Path, rivers: list[River], height: np.ndarray, gsd: float, place: Place | None = None) -> float:
    """Write the lines with their upstream area, Strahler order, length and heights; return the length in metres.

    Coordinates are those of the GeoTIFF, through the centres of pixels.

    Args:
        height: float32 (H, W) metres. gsd: metres a pixel.
    """
    crs, transform = georeference(height.shape[0], gsd, place)
    centres = [transform @ (line.pixels[:, 1] + 0.5, line.pixels[:, 0] + 0.5) for line in rivers]
    places = [LineString(np.stack(centre, axis=1)) for centre in centres]
    ends = np.array([[height[tuple(line.pixels[0])], height[tuple(line.pixels[-1])]] for line in rivers], float)
    ends = ends.reshape(-1, 2)
    length = np.array([place.length for place in places], float)
    table = {
        "upstream_km2": np.array([line.upstream for line in rivers], float) * gsd**2 / 1e6,
        "strahler": np.array([line.order for line in rivers], np.int32),
        "length_m": length,
        "from_m": ends[:, 0],
        "to_m": ends[:, 1],
    }
    frame = gpd.GeoDataFrame(table, geometry=places, crs=crs)
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": DATE})
    try:
        frame.to_file(path, layer="rivers", driver="GPKG", geometry_type="LineString")
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})
    return float(length.sum())
