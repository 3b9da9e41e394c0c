"""The picture of a tile that the model sees: hypsometric tints with hillshade, or the picture itself."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from tasks.formats.tables.scenes import SceneReader
from tasks.formats.tables.tiles import window
from tasks.relief.shade.hillshade import shaded_relief


def tile_picture(reader: SceneReader, tile: tuple) -> np.ndarray:
    """RGB, uint8 (px, px, 3), north up.

    Args:
        tile: a row of the tile table, as `itertuples` gives it.
    """
    if "height" in reader.layers(tile.scene):
        return shaded_relief(reader.height(tile.scene, window(tile)), tile.gsd)
    return np.ascontiguousarray(np.moveaxis(reader.color(tile.scene, window(tile))[:3], 0, -1))


def png(picture: np.ndarray, least_px: int) -> bytes:
    """The picture as PNG, enlarged by a whole factor to at least `least_px` a side."""
    factor = max(1, -(-least_px // min(picture.shape[:2])))
    large = picture.repeat(factor, axis=0).repeat(factor, axis=1)
    stream = io.BytesIO()
    Image.fromarray(large).save(stream, "PNG")
    return stream.getvalue()
