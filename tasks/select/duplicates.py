"""Near-duplicates: tiles of nearly the same content and level, found without comparing every pair.

Two hashes that differ in at most r of 64 bits agree in at least one of r + 1 groups of bits. So only tiles that share
a group are compared (multi-index hashing, Norouzi et al. 2012). The hash ignores level and scale, and on a plain it
is only noise, so near-duplicates must also agree in level and scale.
"""

from __future__ import annotations

import numpy as np

from tasks.core.compiled import cached

SAME_LEVEL = 0.05  # largest difference between the means of duplicates, as a share of the larger spread
SAME_SPREAD = 0.1  # largest difference between their spreads, as a share of the larger spread


def near_duplicates(hashes: np.ndarray, level: np.ndarray, spread: np.ndarray, bits: int) -> np.ndarray:
    """For each tile the earlier tile that it duplicates, or -1; int64 (n,).

    Tiles are compared in the given order. A tile is a duplicate if an earlier tile that is kept has a hash within
    `bits` bits and nearly the same level and spread. So the first tile of a group is kept.

    Args:
        hashes: uint64 (n,). level, spread: mean and range of heights, or mean and deviation of luma (n,).
        bits: number of the 64 bits that may differ.
    """
    masks = _masks(bits + 1)
    groups = np.empty((len(masks), len(hashes)), np.int64)
    for k, mask in enumerate(masks):
        groups[k] = np.unique(hashes & mask, return_inverse=True)[1]
    return _first_alike(hashes, np.asarray(level, float), np.asarray(spread, float), bits, groups)


def _masks(count: int) -> np.ndarray:
    """Assign 64 bits to `count` groups in turn, so that each group has bits of low and of high frequencies."""
    return np.array([sum(1 << bit for bit in range(first, 64, count)) for first in range(count)], np.uint64)


@cached()
def _first_alike(hashes, level, spread, bits, groups):
    found = np.full(hashes.size, -1)
    heads = np.full((groups.shape[0], hashes.size), -1)  # last tile kept of each group's value
    nexts = np.full((groups.shape[0], hashes.size), -1)  # the tile kept before it
    for tile in range(hashes.size):
        for k in range(groups.shape[0]):
            other = heads[k, groups[k, tile]]
            while other >= 0 and found[tile] < 0:
                larger = max(spread[tile], spread[other])
                if (
                    _differing(hashes[tile] ^ hashes[other]) <= bits
                    and abs(level[tile] - level[other]) <= SAME_LEVEL * larger
                    and abs(spread[tile] - spread[other]) <= SAME_SPREAD * larger
                ):
                    found[tile] = other
                other = nexts[k, other]
        if found[tile] < 0:
            for k in range(groups.shape[0]):
                nexts[k, tile] = heads[k, groups[k, tile]]
                heads[k, groups[k, tile]] = tile
    return found


@cached()
def _differing(x):
    """How many bits are set (Warren, Hacker's Delight, 5-1)."""
    x = x - ((x >> np.uint64(1)) & np.uint64(0x5555555555555555))
    x = (x & np.uint64(0x3333333333333333)) + ((x >> np.uint64(2)) & np.uint64(0x3333333333333333))
    x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return (x * np.uint64(0x0101010101010101)) >> np.uint64(56)
