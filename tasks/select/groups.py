"""Groups of pictures without a place: the tiles of one source, and of sources with near-duplicates, stay together.

A group is a connected component of two relations: tiles of one sheet or photograph, and near-duplicates. Whole groups
go to val. The choice is a subset of groups whose number of tiles is nearest to the share, so no other choice of whole
groups would meet the share better. Of such subsets it is the one of the first groups in a seeded order that takes
regions in turn.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from tasks.core.errors import LandloomError
from tasks.select.matches import Pairs
from tasks.select.order import shuffled
from tasks.select.split import NEITHER, TRAIN, VAL

MARGIN = 16  # largest groups that still fit where the exact search begins


def copies(pairs: Pairs, overlap: float | None) -> tuple[np.ndarray, np.ndarray]:
    """Tiles that are copies of an earlier tile that is kept, and that tile; ascending.

    Args:
        overlap: least overlap of a tile and its copy; None finds none.
    """
    copy_of: dict[int, int] = {}
    if overlap is not None:
        alike = pairs.overlap >= overlap
        order = np.lexsort((pairs.first[alike], pairs.second[alike]))
        for first, second in zip(pairs.first[alike][order].tolist(), pairs.second[alike][order].tolist(), strict=True):
            if first not in copy_of:
                copy_of.setdefault(second, first)
    again = np.array(sorted(copy_of), np.int64)
    return again, np.array([copy_of[tile] for tile in again.tolist()], np.int64)


def across(pairs: Pairs, sides: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Train tiles that show the same place as a val tile, and that tile: pictures with a place are split by block,
    and a block far away may hold a copy. Each train tile comes once.
    """
    apart = np.abs(sides[pairs.first].astype(int) - sides[pairs.second]) == abs(VAL - TRAIN)
    apart &= (sides[pairs.first] != NEITHER) & (sides[pairs.second] != NEITHER)
    first, second = pairs.first[apart], pairs.second[apart]
    swap = sides[first] == VAL
    train, val = np.where(swap, second, first), np.where(swap, first, second)
    train, at = np.unique(train, return_index=True)
    return train, val[at]


def joined(blocks: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Group of each tile, by the name of the first of its blocks.

    Args:
        blocks: the block of each tile, text (n,). first, second: numbers of tiles that are near-duplicates.
    """
    names, block = np.unique(blocks.astype(str), return_inverse=True)
    ones = np.ones(len(first), np.int8)
    graph = coo_array((ones, (block[first], block[second])), shape=(len(names), len(names)))
    group = connected_components(graph, directed=False)[1]
    lowest = np.full(group.max(initial=-1) + 1, len(names))
    np.minimum.at(lowest, group, np.arange(len(names)))
    return names[lowest[group]].astype(object)[block]


def split_groups(groups: Sequence[str], regions: Sequence[str], val_share: float, seed: int) -> np.ndarray:
    """Side of each tile: `TRAIN` or `VAL`, int8 (n,).

    Raises:
        LandloomError: there is one group only, so a side would be empty.
    """
    count = len(groups)
    if val_share == 0 or count == 0:
        return np.full(count, TRAIN, np.int8)
    names, number = np.unique(np.asarray(groups, str), return_inverse=True)
    if len(names) == 1:
        raise LandloomError(
            f"select: nothing can be held out for val: all {count} tiles are of one sheet or photograph, or of "
            f"near-duplicates of it ({names[0]}); add pictures, or set val_share to 0"
        )
    sizes = np.bincount(number)
    order = _in_turns(names, number, regions, seed)
    val = order[_subset(sizes[order], val_share * count)]
    return np.where(np.isin(number, val), VAL, TRAIN).astype(np.int8)


def _in_turns(names: np.ndarray, number: np.ndarray, regions: Sequence[str], seed: int) -> np.ndarray:
    """Numbers of the groups in a seeded order, one of each region in turn; a group's region is that of its first tile.

    Regions with more groups have shorter turns, so that any beginning of the order has the shares of the whole.
    """
    first = np.unique(number, return_index=True)[1]
    region = np.unique(np.asarray(regions, str)[first], return_inverse=True)[1]
    order = shuffled(names.tolist(), seed, "split")
    place = np.empty(len(names))
    for one in range(region.max() + 1):
        inside = order[region[order] == one]
        place[inside] = (np.arange(len(inside)) + 0.5) / len(inside)
    return order[np.argsort(place[order], kind="stable")]


def _subset(sizes: np.ndarray, wanted: float) -> np.ndarray:
    """Indices of the items whose sum is nearest to `wanted`, at least one and not all; early items are preferred.

    Far from the end, items are taken in order. Their choice cannot matter while many others are left.
    """
    head = int(np.searchsorted(np.cumsum(sizes), wanted - MARGIN * sizes.max(), "right"))
    rest = _nearest(sizes[head:], wanted - sizes[:head].sum())
    return np.concatenate([np.arange(head), head + rest])


def _nearest(sizes: np.ndarray, wanted: float) -> np.ndarray:
    """The same by trying all sums.

    `reached[s]` is the item that first made the sum s possible, -1 if none has. The items of a sum are read backwards.
    """
    top = min(int(2 * wanted) + int(sizes.min()), int(sizes.sum()) - 1)
    reached = np.full(top + 1, -1)
    possible = np.zeros(top + 1, bool)
    possible[0] = True
    best = round(wanted)
    for item, size in enumerate(sizes.tolist()):
        if size <= top:
            new = np.zeros(top + 1, bool)
            new[size:] = possible[: top + 1 - size]
            new &= ~possible
            reached[new] = item
            possible |= new
        if 0 < best <= top and possible[best]:
            break
    sums = np.flatnonzero(possible)[1:]
    total = int(sums[np.argmin(np.abs(sums - wanted))])
    chosen = []
    while total:
        chosen.append(int(reached[total]))
        total -= int(sizes[chosen[-1]])
    return np.array(chosen)
