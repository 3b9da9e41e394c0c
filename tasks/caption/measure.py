"""Facts of many tiles: the work of one worker."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from tasks.caption.describer import Facts
from tasks.caption.named_colors import palette
from tasks.caption.params import Facts as Settings
from tasks.caption.picture_facts import cover_facts, stated_facts
from tasks.caption.place.names import Place
from tasks.caption.place_facts import place_facts
from tasks.formats.tables.labels import MapReader
from tasks.formats.tables.scenes import SceneReader
from tasks.formats.tables.tiles import read_heights, window
from tasks.relief.ground_facts import height_facts

BATCH = 256  # tiles measured together


@dataclass(frozen=True)
class Batch:
    """Rows of the tile table, the scenes that they need, what the ledger states of each scene's sources, and names of
    places by key; can be pickled for a worker."""

    tiles: pd.DataFrame
    scenes: gpd.GeoDataFrame
    stated: dict[str, Facts]
    places: dict[str, Place]

    def __str__(self) -> str:
        return f"tiles {self.tiles['key'].iloc[0]} to {self.tiles['key'].iloc[-1]}"


def batches(
    tiles: pd.DataFrame, scenes: gpd.GeoDataFrame, ledger: pd.DataFrame, places: dict[str, Place]
) -> list[Batch]:
    """The table in parts of at most `BATCH` rows, in order."""
    said = dict(zip(ledger["key"], ledger["facts"], strict=True))
    parts = (tiles.iloc[start : start + BATCH] for start in range(0, len(tiles), BATCH))
    found = []
    for part in parts:
        needed = scenes.loc[part["scene"].unique()]
        stated = {row.scene: stated_facts(said.get(key) for key in row.sources) for row in needed.itertuples()}
        found.append(Batch(part, needed, stated, {key: places[key] for key in part["key"] if key in places}))
    return found


def measure_batch(batch: Batch, folder: Path, settings: Settings, classes: dict[int, str]) -> list[Facts]:
    """Facts of each tile of a batch, in its order.

    Args:
        classes: names of the labels' classes by their ids; empty without labels.
    """
    measured: dict[str, Facts] = {}
    with SceneReader(folder, batch.scenes) as reader:
        layers = {scene: list(reader.layers(scene)) for scene in batch.scenes.index}
        facts = [place_facts(tile, layers[tile.scene], batch.places.get(tile.key)) for tile in batch.tiles.itertuples()]
        high = batch.tiles[["height" in tile["layers"] for tile in facts]]
        # Tiles with the same GSD and side are measured as one array. Most batches are one such group.
        for (gsd, px), rows in high.groupby(["gsd", "px"]).indices.items():
            part = high.iloc[rows]
            heights = np.stack([array for _, array in read_heights(reader, part, px)])
            measured.update(
                zip(part["key"], height_facts(heights, gsd, settings.lookup_px, settings.flat_deg), strict=True)
            )
        with MapReader(folder / "labels", batch.scenes) as maps:
            for tile in batch.tiles.itertuples():
                if tile.key not in measured:
                    found = {"subject": settings.subject} | palette(reader.color(tile.scene, window(tile)))
                    measured[tile.key] = found | batch.stated[tile.scene]
                measured[tile.key] |= cover_facts(maps.read(tile), classes) if classes else {}
    return [tile | measured.get(key, {}) for key, tile in zip(batch.tiles["key"], facts, strict=True)]
