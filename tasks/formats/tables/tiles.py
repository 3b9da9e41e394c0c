"""Tiles: square windows of scenes, one row each in `tiles.parquet`, and how their pixels are read."""

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
"""Where a tile is: unique key `<scene>/<row>_<col>`, window offset and side in scene pixels, centre
(null without a CRS), metres a pixel (null without a CRS)."""

VERDICT = ("keep", "reason", "block", "split")
"""What select decided: `reason` is null where kept; `split` is train, val, or null where dropped."""


def write_tiles(frame: gpd.GeoDataFrame, path: Path) -> None:
    """Write `tiles.parquet`, sorted by key. Columns: IDENTITY, every statistic, VERDICT, geometry."""
    missing = [name for name in (*IDENTITY, *VERDICT, "geometry") if name not in frame.columns]
    if missing:
        raise ValueError(f"tiles: columns are missing: {missing}")
    write_geotable(frame.sort_values("key"), path)


def read_tiles(path: Path) -> gpd.GeoDataFrame:
    """Every candidate tile, dropped ones too."""
    return read_geotable(path)


def kept(tiles: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The chosen tiles, in key order."""
    return tiles[tiles["keep"]].sort_values("key")


def window(tile: pd.Series | tuple) -> Window:
    """The tile's window in its scene."""
    return Window(tile.col, tile.row, tile.px, tile.px)


def read_heights(reader: SceneReader, tiles: pd.DataFrame, px: int) -> Iterator[tuple[str, np.ndarray]]:
    """Yield (key, heights) tile by tile in the table's order: float32 (px, px) metres, NaN for void.

    A window larger than `px` is shrunk by plain averages of whole blocks, which keeps mean heights.
    """
    for tile in tiles.itertuples():
        yield tile.key, shrink(reader.height(tile.scene, window(tile)), px)


def shrink(array: np.ndarray, px: int) -> np.ndarray:
    """Average the last two axes down to (px, px); the side must be a multiple of `px`.

    A block with any void is void: half a block's mean would be a height nobody measured.
    """
    factor, rest = divmod(array.shape[-1], px)
    if rest or array.shape[-2] != array.shape[-1]:
        raise ValueError(f"cannot shrink {array.shape[-2:]} to {px}: not a whole multiple")
    if factor == 1:
        return array
    blocks = array.reshape(*array.shape[:-2], px, factor, px, factor)
    mean = blocks.mean(axis=(-3, -1), dtype=np.float64)
    return mean.astype(array.dtype) if array.dtype.kind == "f" else np.rint(mean).astype(array.dtype)
