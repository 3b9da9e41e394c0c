"""Turns shards into training batches: selects tiles, rotates and flips them, and encodes them for the method."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from models.core.config import Config, SpeedConfig
from models.core.method import Batch
from models.core.record import MethodRecord
from tasks.core.errors import LandloomError
from tasks.formats.shards.loader import Loader
from tasks.formats.shards.shardset import ShardSet
from tasks.train.feed import Feed
from tasks.train.prepared import Prepared
from tasks.train.turned_texts import turned_texts

MEASURED = 4096
"""Number of train tiles, evenly spread over the split, that an encoding is measured on."""
CHUNK = 256
"""Number of tiles that are measured at a time."""
CAPTION = "caption"
"""The layer of texts. It is in the index of the shards."""
MIRROR = 6
"""The turn that changes left and right only."""
Position = dict[str, Any]
"""`seed`, `epoch` and `samples`, as `Loader.state` gives them."""


class Tiles:
    """The tiles of a dataset, prepared for one method.

    Attributes:
        shards: the data. classes: classes of the maps, each {id, name, red, green, blue}; empty without maps.
        encoding: measured on the train split.
        mirror: whether the tiles may be mirrored, as their card says; None where the method alone decides.
    """

    def __init__(self, shards: ShardSet, record: MethodRecord, params: Config):
        """Check that the tiles have the layers that the method reads, and measure the encoding.

        Args:
            params: the method's parameters.
        Raises:
            LandloomError: a layer, the classes or the GSD is missing, the train split is empty, or a tile has voids.
        """
        self.shards, self._record, self._params = shards, record, params
        self._layers = record.layers(params)
        present = {field.name for field in shards.spec.fields} | {CAPTION}
        missing = [layer for layer in self._layers if layer not in present and layer != "label"]
        if missing:
            reads = ", ".join(self._layers)
            raise LandloomError(f"{shards.folder}: the tiles have no {missing[0]}; {record.name} learns from {reads}")
        self.classes = classes_of(shards) if "label" in self._layers else []
        self.mirror = shards.card.get("mirror")
        try:
            self.encoding = record.fit(params, self._measured, shards.card["gsd"])
        except ValueError as error:
            raise LandloomError(f"{shards.folder}: {record.name} cannot learn from these tiles: {error}") from None

    def feed(
        self, batch: int, position: Position, rank: int, world: int, augment: bool, speed: SpeedConfig, pin: bool
    ) -> Feed:
        """An endless iterator over the batches of one process.

        Args:
            batch: tiles in each batch of this process.
            augment: whether to rotate and flip each tile at random, as the method and the tiles allow (`allowed`).
            speed, pin: see `Feed`.
        """
        codes = np.array(allowed(self._record.turns, self.shards) if augment else (0,), np.uint64)
        paired = self.mirror is not None and len(codes) == 2
        memory = None
        if speed.kept_gib:
            most = len(self.shards.rows("train")) * len(codes)
            memory = Prepared(len(self.shards.index), int(codes.max()) + 1, most, int(speed.kept_gib * 2**30))

        def prepare(arrays: dict[str, np.ndarray]) -> Batch:
            rows, epochs = arrays["row"], arrays["epoch"]
            if paired:  # the second of two epochs shows the other image of each picture
                number = turns(position["seed"], epochs // 2, rows) + epochs.astype(np.uint64)
            else:
                number = turns(position["seed"], epochs, rows)
            turn = codes[number % np.uint64(len(codes))].astype(int)
            if memory is None:
                return self._prepared(rows, turn, arrays)
            return memory.batch(
                rows, turn, lambda new: self._prepared(rows[new], turn[new], self.shards.batch(rows[new]))
            )

        loader = Loader(self.shards, "train", batch, rank=rank, world=world, read=memory is None, **position)
        return Feed(loader, prepare, speed.ahead, pin, speed.readers)

    def _prepared(self, rows: np.ndarray, turn: np.ndarray, arrays: dict[str, np.ndarray]) -> Batch:
        """Tiles in their turns, encoded. A LandloomError names a tile with voids."""
        refuse_voids(self.shards, arrays, rows)
        seen = {name: turned(arrays[name], turn) for name in self._layers if name != CAPTION}
        if CAPTION in self._layers:
            seen |= {CAPTION: turned_texts(self._captions(rows)[CAPTION], turn)}
        return self._record.encode(self._params, self.encoding, seen)

    def _measured(self, *layers: str) -> Iterator[dict[str, np.ndarray]]:
        """Chunks of the train tiles to measure. A LandloomError names a tile with voids."""
        rows = self.shards.rows("train")
        if not len(rows):
            raise LandloomError(f"{self.shards.folder}: split train is empty; keep more tiles in select")
        rows = rows[np.unique(np.linspace(0, len(rows) - 1, MEASURED).astype(int))]
        for start in range(0, len(rows), CHUNK):
            chunk = rows[start : start + CHUNK]
            arrays = self.shards.batch(chunk, [layer for layer in layers if layer != CAPTION])
            refuse_voids(self.shards, arrays, chunk)
            yield arrays | (self._captions(chunk) if CAPTION in layers else {})

    def _captions(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        return {CAPTION: self.shards.index[CAPTION].to_numpy(object)[rows]}


def shown(shards: ShardSet, count: int) -> tuple[str, np.ndarray]:
    """The split and `count` of its rows, evenly spread: val, or train if no tile is held out."""
    split = "val" if len(shards.rows("val")) else "train"
    rows = shards.rows(split)
    return split, rows[np.linspace(0, len(rows) - 1, count).astype(int)]


def classes_of(shards: ShardSet) -> list[dict[str, Any]]:
    """The classes of the card, each {id, name, red, green, blue}; LandloomError if there are none."""
    if not shards.card["classes"] or "label" not in {field.name for field in shards.spec.fields}:
        raise LandloomError(
            f"{shards.folder}: the tiles have no labels; give the dataset a label method other than none"
        )
    return [
        {"id": each["id"], "name": each["name"], **dict(zip(("red", "green", "blue"), each["color"], strict=True))}
        for each in shards.card["classes"]
    ]


def refuse_voids(shards: ShardSet, arrays: dict[str, np.ndarray], rows: np.ndarray) -> None:
    """Raise a LandloomError that names the first tile with a void in its heights; tiles may have no heights."""
    if "height" not in arrays:
        return
    void = ~np.isfinite(arrays["height"]).all(axis=(1, 2))
    if void.any():
        key = shards.index["key"].iat[int(rows[void][0])]
        raise LandloomError(
            f"{shards.folder}: tile {key} has voids, which no method can learn from; give select the rule "
            "{column: void_share, max: 0.0}"
        )


def allowed(codes: tuple[int, ...], shards: ShardSet) -> tuple[int, ...]:
    """Those of a method's turns that keep these tiles true.

    Pictures stay upright. They are mirrored if their card says so. Heights are turned as the method allows, without
    mirror images (the codes from 4) if their card says so.
    """
    mirror = shards.card.get("mirror")
    if "height" in {field.name for field in shards.spec.fields}:
        return tuple(code for code in codes if code < 4) if mirror is False else codes
    return tuple(code for code in codes if code == 0 or (code == MIRROR and mirror))


def turns(seed: int, epochs: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """A number from 0 to 7 for each row. It depends only on the seed, the row and its epoch."""
    mixed = _mixed(epochs.astype(np.uint64) ^ _mixed(np.uint64(seed)))
    return _mixed(rows.astype(np.uint64) ^ mixed) >> np.uint64(61)


def turned(images: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Rotate or flip each image of (n, h, h, …): `codes` (n,) are 0..7, 0 is unchanged, 5 is transposed."""
    out = np.empty_like(images)
    for code in range(8):
        chosen = images[codes == code]
        chosen = np.rot90(chosen, code % 4, axes=(1, 2))
        out[codes == code] = chosen[:, ::-1] if code >= 4 else chosen
    return out


def _mixed(value: np.ndarray | np.uint64) -> np.ndarray | np.uint64:
    """The finaliser of SplitMix64. It maps neighbouring numbers to unrelated numbers."""
    with np.errstate(over="ignore"):
        value = value + np.uint64(0x9E3779B97F4A7C15)
        value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return value ^ (value >> np.uint64(31))
