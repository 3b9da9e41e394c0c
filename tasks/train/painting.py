"""Training on lit colours, heights and labels: what `terrain_gan` paints from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from models.terrain_gan.encoding import ColorHeightEncoding
from models.terrain_gan.painter import Painter
from tasks.core.errors import LandloomError
from tasks.formats.shards.shardset import ShardSet
from tasks.formats.tables.drawing import write_drawing
from tasks.train import pictures
from tasks.train.feed import Feed
from tasks.train.params import Params
from tasks.train.tiles import Position, classes_of, heights_of, painted_feed, shown, train_rows

LAYERS = ("height", "color", "label")
ROWS = 6  # maps shown
DRAWINGS = 8


class Painting:
    """What the stage needs to know of the method `terrain_gan`.

    Args:
        shards: the data. params: of the stage.
    Raises:
        LandloomError: the tiles lack a layer, a GSD or classes.
    """

    def __init__(self, shards: ShardSet, params: Params):
        self._shards, self._params = shards, params
        layers = {field.name for field in shards.spec.fields}
        missing = [layer for layer in LAYERS if layer not in layers]
        if missing:
            raise LandloomError(
                f"{shards.folder}: the tiles have no {missing[0]}; terrain_gan learns from {', '.join(LAYERS)}"
            )
        if shards.card["gsd"] is None:
            raise LandloomError(f"{shards.folder}: the tiles have no GSD, and slopes need metres in all directions")
        self._classes = classes_of(shards)
        self._encoding = ColorHeightEncoding.fit(heights_of(shards, train_rows(shards)), shards.card["gsd"])

    def facts(self) -> dict[str, Any]:
        """What `config.json` says of the data."""
        return {"encoding": self._encoding.to_dict(), "classes": self._classes}

    def feed(self, batch: int, position: Position, rank: int, world: int, pin: bool) -> Feed:
        """Batches of one process."""
        loader = self._shards, batch, position, rank, world
        return painted_feed(*loader, self._encoding, self._params.augment, pin)

    def show(self, painter: Painter, done: int) -> Figure:
        """Held-out maps (train maps where none is held out), painted after `done` steps, beside their own terrain."""
        split, rows = shown(self._shards, ROWS)
        tiles = self._shards.batch(rows, LAYERS)
        painted = painter.paint(tiles["label"], seed=0)
        return pictures.paintings(tiles, painted, self._classes, painter.gsd, f"step {done}", split)

    def leave(self, folder: Path) -> None:
        """Maps that are worth painting with the model, as a person would draw them."""
        _, rows = shown(self._shards, DRAWINGS)
        classes = pd.DataFrame(self._classes)
        for number, label in enumerate(self._shards.batch(rows, ("label",))["label"]):
            write_drawing(folder / "drawings" / f"{number:03}.png", label, classes)
