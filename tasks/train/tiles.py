"""From shards to what networks see: which tiles, encoded how, and turned how."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.consistency.encoding import HeightEncoding
from models.terrain_gan.encoding import ColorHeightEncoding
from tasks.core.errors import LandloomError
from tasks.formats.shards.loader import Loader
from tasks.formats.shards.shardset import ShardSet
from tasks.train.feed import Feed

MEASURED = 4096  # train tiles, evenly over the split, that an encoding is fitted on
Position = dict[str, Any]
"""`seed`, `epoch` and `samples`, as `Loader.state` gives them."""


def fit(shards: ShardSet, sigma_data: float) -> HeightEncoding:
    """The encoding of the train split; a tile with voids is refused by name."""
    return HeightEncoding.fit(heights_of(shards, train_rows(shards)), sigma_data)


def train_rows(shards: ShardSet) -> np.ndarray:
    """Rows of the train split to measure."""
    rows = shards.rows("train")
    if not len(rows):
        raise LandloomError(f"{shards.folder}: split train is empty; keep more tiles in select")
    return rows[np.unique(np.linspace(0, len(rows) - 1, MEASURED).astype(int))]


def heights_of(shards: ShardSet, rows: np.ndarray) -> Iterator[np.ndarray]:
    """Heights of `rows` in chunks (n, px, px) of metres; a tile with voids is refused by name."""
    for start in range(0, len(rows), 256):
        chunk = rows[start : start + 256]
        heights = shards.heights(chunk)
        refuse_voids(shards, heights, chunk)
        yield heights


def shown(shards: ShardSet, count: int) -> tuple[str, np.ndarray]:
    """`count` rows, evenly over the val split, or over the train split where nothing is held out."""
    split = "val" if len(shards.rows("val")) else "train"
    rows = shards.rows(split)
    return split, rows[np.linspace(0, len(rows) - 1, count).astype(int)]


def classes_of(shards: ShardSet) -> list[dict[str, Any]]:
    """The classes of the card, each {id, name, red, green, blue}; LandloomError where there are none."""
    if not shards.card["classes"] or "label" not in {field.name for field in shards.spec.fields}:
        raise LandloomError(
            f"{shards.folder}: the tiles have no labels; give the dataset a label method other than none"
        )
    return [
        {"id": each["id"], "name": each["name"], **dict(zip(("red", "green", "blue"), each["color"], strict=True))}
        for each in shards.card["classes"]
    ]


def refuse_voids(shards: ShardSet, heights: np.ndarray, rows: np.ndarray) -> None:
    """LandloomError naming the first tile that has a void."""
    void = ~np.isfinite(heights).all(axis=(1, 2))
    if void.any():
        key = shards.index["key"].iat[int(rows[void][0])]
        raise LandloomError(
            f"{shards.folder}: tile {key} has voids, which cannot be learnt; give select the rule "
            "{column: void_share, max: 0.0}"
        )


def height_feed(
    shards: ShardSet,
    batch: int,
    position: Position,
    rank: int,
    world: int,
    encoding: HeightEncoding,
    augment: bool,
    labels: bool,
    pin: bool,
) -> Feed:
    """Encoded heights, with or without labels.

    Args:
        batch: tiles in each batch of this process.
        augment: turn and flip each tile in one of the eight ways.
        pin: see `Feed`.
    """

    def prepare(arrays: dict[str, np.ndarray], epoch: int) -> dict[str, Tensor]:
        heights, rows = arrays["height"], arrays["row"]
        refuse_voids(shards, heights, rows)
        turn = turns(position["seed"], epoch, rows) if augment else np.zeros(len(rows), np.uint64)
        image, facts = encoding.encode(turned(heights, turn))
        given = {"image": torch.from_numpy(image), "facts": torch.from_numpy(facts)}
        return given | ({"label": torch.from_numpy(turned(arrays["label"], turn))} if labels else {})

    return Feed(Loader(shards, "train", batch, rank=rank, world=world, **position), prepare, pin)


def painted_feed(
    shards: ShardSet,
    batch: int,
    position: Position,
    rank: int,
    world: int,
    encoding: ColorHeightEncoding,
    augment: bool,
    pin: bool,
) -> Feed:
    """Encoded colours and heights, and labels.

    Args:
        batch, pin: as for `height_feed`.
        augment: swap rows and columns of half the tiles. That mirrors a tile along the line from north-west to
            south-east, and so leaves a sun in the north-west where it is; any other turn would move it.
    """

    def prepare(arrays: dict[str, np.ndarray], epoch: int) -> dict[str, Tensor]:
        rows = arrays["row"]
        refuse_voids(shards, arrays["height"], rows)
        arrays = {name: arrays[name] for name in ("color", "height", "label")}
        if augment:
            swap = turns(position["seed"], epoch, rows) % 2 == 1
            for name, images in arrays.items():
                images = images.copy()
                images[swap] = np.swapaxes(images[swap], 1, 2)
                arrays[name] = images
        color, height = encoding.encode(arrays["color"], arrays["height"])
        return {
            "color": torch.from_numpy(color),
            "height": torch.from_numpy(height),
            "label": torch.from_numpy(np.ascontiguousarray(arrays["label"])),
        }

    return Feed(Loader(shards, "train", batch, rank=rank, world=world, **position), prepare, pin)


def turns(seed: int, epoch: int, rows: np.ndarray) -> np.ndarray:
    """A number of 0..7 for each row, from (seed, epoch, row) alone."""
    return _mixed(rows.astype(np.uint64) ^ _mixed(np.uint64(epoch) ^ _mixed(np.uint64(seed)))) >> np.uint64(61)


def turned(images: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Each image of (n, h, h) in one of the eight ways to lay it: `codes` (n,) of 0..7, 0 as it is."""
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
