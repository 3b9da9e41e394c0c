"""Training on heights: the tiles of any height dataset, and labels where they steer the samples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from models.consistency.encoding import HeightEncoding
from models.core.artifact import Generator
from tasks.formats.shards.shardset import ShardSet
from tasks.train import pictures
from tasks.train.feed import Feed
from tasks.train.params import Params
from tasks.train.tiles import Position, classes_of, fit, height_feed, shown

STEPS = (1, 2)  # network evaluations of the samples shown


class Heights:
    """What the stage needs to know of the method `consistency`.

    Args:
        shards: the data. params: of the stage.
    """

    def __init__(self, shards: ShardSet, params: Params):
        self._shards, self._params = shards, params
        self._encoding = fit(shards, params.consistency.sigma_data)
        self._steered = params.consistency.condition == "labels"

    def facts(self) -> dict[str, Any]:
        """What `config.json` says of the data and the network."""
        facts = {
            "network": self._params.network.model_dump(mode="json"),
            "encoding": self._encoding.to_dict(),
            "channels": HeightEncoding.channels,
            "facts": HeightEncoding.facts,
        }
        return facts | ({"classes": classes_of(self._shards)} if self._steered else {})

    def feed(self, batch: int, position: Position, rank: int, world: int, pin: bool) -> Feed:
        """Batches of one process."""
        loader = self._shards, batch, position, rank, world
        return height_feed(*loader, self._encoding, self._params.augment, self._steered, pin)

    def show(self, generator: Generator, done: int) -> Figure:
        """Samples after `done` steps beside held-out tiles (train tiles where none is held out)."""
        split, rows = shown(self._shards, pictures.SIDE**2)
        grids = {f"real ({split})": self._shards.heights(rows)}
        for steps in STEPS:
            title = f"step {done}, {steps} evaluation{'s' if steps > 1 else ''}"
            grids[title] = generator.sample(range(pictures.SIDE**2), seed=0, steps=steps)
        if self._steered:
            labels = self._shards.batch(rows, ("label",))["label"]
            indices = np.arange(len(rows))
            grids[f"step {done}, by the labels of the real ones"] = generator.sample(indices, 0, STEPS[-1], labels)
        return pictures.grid(grids, generator.gsd)

    def leave(self, folder: Path) -> None:
        """Nothing beside weights and configuration."""
