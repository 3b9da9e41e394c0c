"""Tiles: square windows of scenes. `tiles.parquet` has one row for each candidate tile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
from rasterio.windows import Window

from tasks.formats.tables.geotable import read_geotable, write_geotable
from tasks.formats.tables.scenes import SceneReader

IDENTITY = ("key", "scene", "row", "col", "px", "lat", "lon", "gsd", "region", "procedural")
"""Columns of the place of a tile: unique key `<scene>/<row>_<col>`, scene, offset and side of the window in scene
pixels, latitude and longitude of the centre in degrees, GSD in metres. Centre and GSD are null without a CRS."""

VERDICT = ("keep", "reason", "block", "split")
"""Columns that select decides: `reason` is null for kept tiles; `split` is train, val, or null for dropped tiles."""


def write_tiles(frame: gpd.GeoDataFrame, path: Path) -> None:
    """Write `tiles.parquet`, sorted by key. Columns: IDENTITY, all statistics, VERDICT, geometry.

    Raises:
        ValueError: a column of IDENTITY or VERDICT, or the geometry, is missing.
    """
    missing = [name for name in (*IDENTITY, *VERDICT, "geometry") if name not in frame.columns]
    if missing:
        raise ValueError(f"tiles: columns are missing: {missing}")
    write_geotable(frame.sort_values("key"), path)


def read_tiles(path: Path) -> gpd.GeoDataFrame:
    """Return all candidate tiles, including dropped tiles."""
    return read_geotable(path)


def kept(tiles: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the kept tiles, in the order of their keys."""
    return tiles[tiles["keep"]].sort_values("key")


def window(tile: pd.Series | tuple) -> Window:
    """Return the window of a tile in its scene."""
    return Window(tile.col, tile.row, tile.px, tile.px)


def read_heights(reader: SceneReader, tiles: pd.DataFrame, px: int) -> Iterator[tuple[str, np.ndarray]]:
    """Yield (key, heights) for each tile in the order of the table: float32 (px, px) metres, NaN for void.

    A window larger than `px` is downsampled by averages of whole blocks, which keep the mean height.
    """
    for tile in tiles.itertuples():
        yield tile.key, shrink(reader.height(tile.scene, window(tile)), px)


def shrink(array: np.ndarray, px: int) -> np.ndarray:
    """Downsample the last two axes to (px, px) by block averages. A block that holds a void becomes void.

    Raises:
        ValueError: the array is not square, or its side is not a multiple of `px`.
    """
    factor, rest = divmod(array.shape[-1], px)
    if rest or array.shape[-2] != array.shape[-1]:
        raise ValueError(f"cannot shrink {array.shape[-2:]} to {px}: not a whole multiple")
    if factor == 1:
        return array
    blocks = array.reshape(*array.shape[:-2], px, factor, px, factor)
    mean = blocks.mean(axis=(-3, -1), dtype=np.float64)
    return mean.astype(array.dtype) if array.dtype.kind == "f" else np.rint(mean).astype(array.dtype)
