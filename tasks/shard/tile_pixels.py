"""Pixels of one tile, with every layer in the stored size."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio

from tasks.core.errors import LandloomError
from tasks.formats.tables.classes import NO_CLASS
from tasks.formats.tables.labels import MapReader
from tasks.formats.tables.scenes import SceneReader
from tasks.formats.tables.tiles import shrink, window


class TilePixels:
    """Reads tiles. It is a context manager that keeps a few files open.

    Args:
        data: `data/<dataset>`.
        scenes: the scene table.
        layers: which of height, color and label every tile must have.
        px: side of a stored tile.
    """

    def __init__(self, data: Path, scenes: gpd.GeoDataFrame, layers: list[str], px: int):
        self._maps = MapReader(data / "labels", scenes)
        self._reader = SceneReader(data, scenes)
        self._layers, self._px = layers, px

    def __enter__(self) -> TilePixels:
        self._reader.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._reader.__exit__(*error)
        self._maps.__exit__(*error)

    def read(self, tile: pd.Series | tuple) -> dict[str, np.ndarray]:
        """Layers of a tile: height float32 (px, px) metres, NaN for void; color uint8 (px, px, 3), black where void;
        label uint8 (px, px).
        """
        try:
            windows = {layer: self._window(tile, layer) for layer in self._layers}
        except rasterio.RasterioIOError as error:
            raise LandloomError(f"tile {tile.key}: its scene cannot be read: {error}; run project again") from None
        for layer, array in windows.items():
            if array.shape[-2:] != (tile.px, tile.px):
                raise LandloomError(
                    f"tile {tile.key}: its window leaves the {layer} of scene {tile.scene}; run select again"
                )
        return {layer: _SHRINK[layer](array, self._px) for layer, array in windows.items()}

    def _window(self, tile: pd.Series | tuple, layer: str) -> np.ndarray:
        if layer == "label":
            return self._maps.read(tile)
        return getattr(self._reader, layer)(tile.scene, window(tile))


def shrink_color(rgba: np.ndarray, px: int) -> np.ndarray:
    """RGB and mask (4, H, W) to RGB (px, px, 3): block averages, black where any of the block is void."""
    known = rgba[3].reshape(px, -1, px, rgba.shape[-1] // px).min(axis=(1, 3)) > 0
    return np.ascontiguousarray((shrink(rgba[:3], px) * known).transpose(1, 2, 0))


def shrink_labels(labels: np.ndarray, px: int) -> np.ndarray:
    """Classes (H, W) to (px, px): the most frequent class of each block; of equally frequent ones, the lowest number.

    "No class" has the highest number, so it wins only where it is more frequent than every class.
    """
    factor = labels.shape[-1] // px
    if factor == 1:
        return labels
    blocks = labels.reshape(px, factor, px, factor)
    best, votes = np.full((px, px), NO_CLASS, np.uint8), np.zeros((px, px), np.int64)
    for value in np.unique(labels):
        count = (blocks == value).sum(axis=(1, 3))
        better = count > votes
        best[better], votes[better] = value, count[better]
    return best


_SHRINK = {"height": shrink, "color": shrink_color, "label": shrink_labels}
