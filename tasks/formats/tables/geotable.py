"""GeoParquet tables. They have their own module, because training reads plain tables on machines without GDAL."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pyarrow as pa

from tasks.core.errors import LandloomError
from tasks.core.files import atomic_file


def write_geotable(frame: gpd.GeoDataFrame, path: Path) -> None:
    """Write a GeoParquet table. Geometries are in WGS 84 (longitude, latitude) and can be null."""
    with atomic_file(path) as part:
        frame.to_parquet(part, index=False, compression="zstd")


def read_geotable(path: Path) -> gpd.GeoDataFrame:
    """Read a GeoParquet table.

    Raises:
        LandloomError: the file is missing or unreadable.
    """
    try:
        return gpd.read_parquet(path)
    except FileNotFoundError:
        raise LandloomError(f"{path}: missing; run the stage that writes it (`dvc repro` does)") from None
    except (OSError, ValueError, pa.ArrowException) as error:
        raise LandloomError(f"{path}: not a readable GeoParquet table: {error}") from None
