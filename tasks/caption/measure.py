"""Facts of many tiles: the work of one worker."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from tasks.caption.describer import Facts
from tasks.caption.facts import height_facts, place_facts
from tasks.formats.tables.scenes import SceneReader
from tasks.formats.tables.tiles import read_heights

BATCH = 256  # tiles measured together


@dataclass(frozen=True)
class Batch:
    """Rows of the tile table and the scenes that they need; can be pickled for a worker."""

    tiles: pd.DataFrame
    scenes: gpd.GeoDataFrame

    def __str__(self) -> str:
        return f"tiles {self.tiles['key'].iloc[0]} to {self.tiles['key'].iloc[-1]}"


def batches(tiles: pd.DataFrame, scenes: gpd.GeoDataFrame) -> list[Batch]:
    """The table in parts of at most `BATCH` rows, in order."""
    parts = (tiles.iloc[start : start + BATCH] for start in range(0, len(tiles), BATCH))
    return [Batch(part, scenes.loc[part["scene"].unique()]) for part in parts]


def measure_batch(batch: Batch, folder: Path, lookup_px: int, flat_deg: float) -> list[Facts]:
    """Facts of each tile of a batch, in its order."""
    measured: dict[str, Facts] = {}
    with SceneReader(folder, batch.scenes) as reader:
        layers = {scene: list(reader.layers(scene)) for scene in batch.scenes.index}
        facts = [place_facts(tile, layers[tile.scene]) for tile in batch.tiles.itertuples()]
        high = batch.tiles[["height" in tile["layers"] for tile in facts]]
        # Tiles with the same GSD and side are measured as one array. Most batches are one such group.
        for (gsd, px), rows in high.groupby(["gsd", "px"]).indices.items():
            part = high.iloc[rows]
            heights = np.stack([array for _, array in read_heights(reader, part, px)])
            measured.update(zip(part["key"], height_facts(heights, gsd, lookup_px, flat_deg), strict=True))
    return [tile | measured.get(key, {}) for key, tile in zip(batch.tiles["key"], facts, strict=True)]
