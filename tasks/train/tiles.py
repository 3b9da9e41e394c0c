"""From shards to what the network sees: the encoding fitted on the train split, and encoded batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.encoding import HeightEncoding
from tasks.errors import LandloomError
from tasks.formats.loader import Loader
from tasks.formats.shards import ShardSet
from tasks.train.feed import Feed

MEASURED = 4096  # train tiles, evenly over the split, that the encoding is fitted on


def fit(shards: ShardSet, sigma_data: float) -> HeightEncoding:
    """The encoding of the train split; a tile with voids is refused by name."""
    rows = shards.rows("train")
    if not len(rows):
        raise LandloomError(f"{shards.folder}: split train is empty; keep more tiles in select")
    rows = rows[np.unique(np.linspace(0, len(rows) - 1, MEASURED).astype(int))]
    return HeightEncoding.fit(_heights(shards, rows), sigma_data)


def _heights(shards: ShardSet, rows: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(rows), 256):
        chunk = rows[start : start + 256]
        heights = shards.heights(chunk)
        refuse_voids(shards, heights, chunk)
        yield heights


def refuse_voids(shards: ShardSet, heights: np.ndarray, rows: np.ndarray) -> None:
    """LandloomError naming the first tile that has a void."""
    void = ~np.isfinite(heights).all(axis=(1, 2))
    if void.any():
        key = shards.index["key"].iat[int(rows[void][0])]
        raise LandloomError(
            f"{shards.folder}: tile {key} has voids, which cannot be learnt; give select the rule "
            "{column: void_share, max: 0.0}"
        )


def feed(
    shards: ShardSet,
    encoding: HeightEncoding,
    batch: int,
    augment: bool,
    position: dict[str, Any],
    rank: int,
    world: int,
    pin: bool,
) -> Feed:
    """Encoded batches of one process.

    Args:
        batch: tiles in each batch of this process.
        position: `seed`, `epoch` and `samples`, as `Loader.state` gives them.
        pin: see `Feed`.
    """
    loader = Loader(shards, "train", batch, rank=rank, world=world, **position)

    def prepare(arrays: dict[str, np.ndarray], epoch: int) -> dict[str, Tensor]:
        heights, rows = arrays["height"], arrays["row"]
        refuse_voids(shards, heights, rows)
        if augment:
            heights = turned(heights, position["seed"], epoch, rows)
        image, facts = encoding.encode(heights)
        return {"image": torch.from_numpy(image), "facts": torch.from_numpy(facts)}

    return Feed(loader, prepare, pin)


def turned(images: np.ndarray, seed: int, epoch: int, rows: np.ndarray) -> np.ndarray:
    """One of the eight flips and quarter turns of each image (n, h, h), from (seed, epoch, row) alone."""
    codes = _mixed(rows.astype(np.uint64) ^ _mixed(np.uint64(epoch) ^ _mixed(np.uint64(seed)))) >> np.uint64(61)
    out = np.empty_like(images)
    for code in range(8):
        chosen = images[codes == code]
        chosen = np.rot90(chosen, code % 4, axes=(1, 2))
        out[codes == code] = chosen[:, ::-1] if code >= 4 else chosen
    return out


def _mixed(value: np.ndarray | np.uint64) -> np.ndarray | np.uint64:
    """SplitMix64's finaliser: neighbouring numbers become unrelated ones."""
    with np.errstate(over="ignore"):
        value = value + np.uint64(0x9E3779B97F4A7C15)
        value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return value ^ (value >> np.uint64(31))
