"""A sheet of a dozen tiles with their captions, so that a person can compare words and ground."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from tasks.formats.tables.scenes import SceneReader
from tasks.formats.tables.tiles import window
from tasks.relief.shade.hillshade import shaded_relief

COLUMNS, ROWS = 4, 3


def draw(tiles: pd.DataFrame, scenes: gpd.GeoDataFrame, captions: pd.DataFrame, folder: Path) -> Figure:
    """Draw measured tiles first, then procedural ones: shaded heights, or colours without heights; north is up."""
    chosen = choose(tiles, captions)
    texts = captions.set_index("key")["text"]
    figure = Figure(figsize=(15, 14.5), facecolor="white")
    axes = figure.subplots(ROWS, COLUMNS, squeeze=False).ravel()
    with SceneReader(folder, scenes) as reader:
        for axis in axes:
            axis.axis("off")
        for axis, tile in zip(axes, chosen.itertuples(), strict=False):
            axis.imshow(_picture(reader, tile), interpolation="nearest")
            axis.set_title(tile.key, fontsize=8, color="0.4", loc="left")
            text = "\n".join(textwrap.wrap(texts[tile.key], 50))
            axis.text(0, -0.03, text, transform=axis.transAxes, va="top", fontsize=9, linespacing=1.25)
    figure.subplots_adjust(left=0.02, right=0.98, top=0.97, bottom=0.09, wspace=0.08, hspace=0.36)
    return figure


def choose(tiles: pd.DataFrame, captions: pd.DataFrame) -> pd.DataFrame:
    """Rows for one sheet: measured and procedural tiles in equal parts, each from the least relief to the most."""
    relief = captions.set_index("key")["facts"].map(lambda facts: json.loads(facts).get("relief_m", -1.0))
    ordered = tiles.assign(_relief=tiles["key"].map(relief)).sort_values(["_relief", "key"])
    kinds = [ordered[~ordered["procedural"]], ordered[ordered["procedural"]]]
    room = COLUMNS * ROWS
    fewer = min(map(len, kinds))
    shares = [min(len(kind), room - min(fewer, room // 2)) for kind in kinds]
    steps = [
        np.linspace(0, len(kind) - 1, share).round().astype(int) for kind, share in zip(kinds, shares, strict=True)
    ]
    return pd.concat([kind.iloc[step] for kind, step in zip(kinds, steps, strict=True)])


def _picture(reader: SceneReader, tile: tuple) -> np.ndarray:
    if "height" in reader.layers(tile.scene):
        height = reader.height(tile.scene, window(tile))
        return shaded_relief(height, tile.gsd)
    color = reader.color(tile.scene, window(tile))
    return np.moveaxis(color[:3], 0, -1)
