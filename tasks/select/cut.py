"""Cut scenes into measured tiles, in batches of scenes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
from affine import Affine

from tasks.formats.tables.scenes import SceneReader
from tasks.select.blocks import BlockGrid
from tasks.select.footprints import footprints
from tasks.select.params import Params
from tasks.select.statistics import Columns, measure_windows

Parts = list[Columns]


@dataclass(frozen=True)
class Batch:
    """Some scenes for one worker to cut.

    Attributes:
        folder: `data/<dataset>`, to which the table's paths are relative.
        scenes: rows of the scene table. params: of the stage.
    """

    folder: Path
    scenes: gpd.GeoDataFrame
    params: Params

    def __str__(self) -> str:
        return f"scenes {self.scenes['scene'].iloc[0]} to {self.scenes['scene'].iloc[-1]}"


def batches(folder: Path, scenes: gpd.GeoDataFrame, params: Params, workers: int) -> list[Batch]:
    """The scenes in batches of 1 to 32, several batches for each worker."""
    size = int(np.clip(len(scenes) // (4 * workers), 1, 32))
    return [Batch(folder, scenes.iloc[k : k + size], params) for k in range(0, len(scenes), size)]


def cut_batch(batch: Batch) -> Columns:
    """Identity, statistics, home block, bounding box and footprint of every tile of a batch.

    Returns:
        Arrays (n,) by name: `tasks.formats.tables.tiles.IDENTITY`, the statistics, `phash`, `block`, `west`,
        `south`, `east`, `north` (a pixel around the tile, NaN without a CRS) and `geometry`. With pictures, also the
        statistics of pictures and `marks`, null for tiles with heights.
    """
    with SceneReader(batch.folder, batch.scenes) as reader:
        parts = [_cut(reader, scene, batch.params) for _, scene in batch.scenes.iterrows()]
    return join(parts)


def join(parts: Parts) -> Columns:
    """The parts, concatenated. Columns that only some parts have are null in the others."""
    names = dict.fromkeys(name for part in parts for name in part)
    return {name: np.concatenate([_column(part, name) for part in parts]) for name in names}


def _column(part: Columns, name: str) -> np.ndarray:
    if name in part:
        return part[name]
    count = len(part["key"])
    return np.full(count, None, object) if name == "marks" else np.full(count, np.nan)


def _cut(reader: SceneReader, scene: pd.Series, params: Params) -> Columns:
    """All tiles of one scene."""
    measured = measure_windows(reader, scene, params.px, params.stride, params.entropy_bin_m, params.entropy_bin_deg)
    rows, cols = measured["row"], measured["col"]
    count, gsd = len(rows), float(scene["gsd"])
    key = [f"{scene['scene']}/{row:05}_{col:05}" for row, col in zip(rows.tolist(), cols.tolist(), strict=True)]
    columns = {
        "key": np.array(key, object),
        "scene": np.full(count, scene["scene"], object),
        "px": np.full(count, params.px, np.int64),
        "gsd": np.full(count, gsd),
        "region": np.full(count, scene["region"], object),
        "procedural": np.full(count, bool(scene["procedural"])),
        **measured,
    }
    if not isinstance(scene["crs"], str) or count == 0:
        nowhere = np.full(count, np.nan)
        columns |= dict.fromkeys(("lat", "lon", "west", "south", "east", "north"), nowhere)
        return columns | {"block": np.full(count, _source(scene), object), "geometry": np.full(count, None, object)}
    prints = footprints(scene["crs"], Affine(*scene["transform"]), rows, cols, params.px)
    west, south, east, north = prints.boxes(margin_km=gsd / 1000)
    grid = BlockGrid(params.block_km)
    ids, which = np.unique(grid.ids(prints.lat, prints.lon), return_inverse=True)
    block = np.array([grid.name(number) for number in ids.tolist()], object)[which]
    columns |= {"lat": prints.lat, "lon": prints.lon, "block": block, "geometry": prints.polygons()}
    return columns | {"west": west, "south": south, "east": east, "north": north}


def _source(scene: pd.Series) -> str:
    """Block of a scene without a place: its first source, so that all parts of a picture have one block."""
    sources = scene["sources"]
    listed = [sources] if isinstance(sources, str) else sorted(map(str, sources))
    return listed[0] if listed else str(scene["scene"])
