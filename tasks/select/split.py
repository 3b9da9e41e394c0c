"""Split into train and val by geographic block, so that neighbours are never on both sides.

Whole blocks go to val, region by region, until val has its share. Their order depends only on the seed and their
names. A tile is on a side if all blocks that it and a rim of one pixel touch are on that side. A tile that touches
both sides is dropped: `straddles the split`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.core.errors import LandloomError
from tasks.select.order import shuffled

TRAIN, VAL, NEITHER = 0, 1, -1


@dataclass(frozen=True)
class Touches:
    """The blocks that each of n tiles touches.

    Attributes:
        tile, block: pairs of a tile's number and a block's, sorted by tile.
        names: name of each block. region: the region of each tile (n,).
    """

    tile: np.ndarray
    block: np.ndarray
    names: list[str]
    region: np.ndarray


def split_tiles(touches: Touches, val_share: float, seed: int) -> np.ndarray:
    """Side of each tile: `TRAIN`, `VAL` or `NEITHER`, int8 (n,).

    Raises:
        LandloomError: a side would be empty.
    """
    count = len(touches.region)
    if val_share == 0 or count == 0:
        return np.full(count, TRAIN, np.int8)
    state = _State(touches)
    order = shuffled(touches.names, seed, "split")
    for region, blocks in _by_region(touches, order):
        state.see(touches.region == region)
        for block in blocks:
            missing = state.missing(val_share)
            if missing <= 0:
                break
            gain, loss = state.change(block)
            if gain and loss < state.train and abs(state.missing(val_share, gain, loss)) < missing:
                state.add(block)
    if not state.val:  # there are few blocks: one block above the share is better than none
        for block in order:
            gain, loss = state.change(block)
            if gain and loss < state.train:
                state.add(block)
                break
        else:
            raise LandloomError(
                f"select: no geographic block can be held out for val: {count} tiles touch {len(touches.names)} "
                "blocks, and none holds a whole tile and leaves others; make block_km smaller if the area is small, "
                "larger if tiles are larger than a block, or set val_share to 0"
            )
    return state.sides()


class _State:
    """Counts of tiles on each side while blocks are moved to val one at a time."""

    def __init__(self, touches: Touches):
        self._touched = np.bincount(touches.tile, minlength=len(touches.region))
        self._inside = np.zeros_like(self._touched)  # number of a tile's blocks in val
        self._seen = np.zeros(len(touches.region), bool)
        by_block = np.argsort(touches.block, kind="stable")
        self._tiles = np.split(touches.tile[by_block], np.cumsum(np.bincount(touches.block))[:-1])
        self.train = self.val = 0

    def see(self, tiles: np.ndarray) -> None:
        """Include these tiles (a mask) in the counts."""
        new = tiles & ~self._seen
        self._seen |= new
        self.train += int((new & (self._inside == 0)).sum())
        self.val += int((new & (self._inside == self._touched)).sum())

    def missing(self, share: float, gain: int = 0, loss: int = 0) -> float:
        """Number of tiles that val lacks for its share after it gains some and train loses some."""
        val, train = self.val + gain, self.train - loss
        return share * (val + train) - val

    def change(self, block: int) -> tuple[int, int]:
        """Number of tiles that val gains and that train loses if a block moves to val."""
        tiles = self._tiles[block]
        inside, touched, seen = self._inside[tiles], self._touched[tiles], self._seen[tiles]
        return int((seen & (inside + 1 == touched)).sum()), int((seen & (inside == 0)).sum())

    def add(self, block: int) -> None:
        """Move a block to val."""
        gain, loss = self.change(block)
        self.val, self.train = self.val + gain, self.train - loss
        self._inside[self._tiles[block]] += 1

    def sides(self) -> np.ndarray:
        """Side of each tile."""
        return np.where(self._inside == 0, TRAIN, np.where(self._inside == self._touched, VAL, NEITHER)).astype(np.int8)


def _by_region(touches: Touches, order: np.ndarray) -> list[tuple[str, list[int]]]:
    """Regions by name, each with its blocks in the given order. The region of a block is that of its first tile."""
    first = np.full(len(touches.names), len(touches.region))
    np.minimum.at(first, touches.block, touches.tile)
    regions: dict[str, list[int]] = {str(region): [] for region in sorted(set(touches.region))}
    for block in order.tolist():
        regions[str(touches.region[first[block]])].append(block)
    return list(regions.items())
