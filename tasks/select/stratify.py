"""Stratified choice: a quota is shared evenly over strata, so that all kinds of relief are represented.

A stratum is a bin of relief in a region. Where a stratum has fewer tiles than its share, the other strata get the rest
(water-filling). A seeded random order chooses within a stratum.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tasks.select.order import ranks


def water_fill(counts: np.ndarray, quota: int) -> np.ndarray:
    """Number of tiles to take from each stratum: min(count, level), with the highest level that the quota allows.

    The remainder is smaller than the number of strata. The first strata that have more tiles get one each.
    """
    counts = np.asarray(counts, np.int64)
    if counts.sum() <= quota:
        return counts.copy()
    low, high = 0, int(quota)
    while low < high:
        level = (low + high + 1) // 2
        low, high = (level, high) if np.minimum(counts, level).sum() <= quota else (low, level - 1)
    taken = np.minimum(counts, low)
    more = np.flatnonzero(counts > low)[: quota - int(taken.sum())]
    taken[more] += 1
    return taken


def relief_bins(relief: np.ndarray, edges: Sequence[float]) -> np.ndarray:
    """Bin of each relief, 0 to len(edges) - 2; the nearest bin beyond the edges, -1 where relief is unknown."""
    bins = np.clip(np.digitize(relief, edges[1:-1]), 0, len(edges) - 2)
    return np.where(np.isnan(relief), -1, bins)


def choose(keys: Sequence[str], strata: Sequence[tuple], quota: int, seed: int) -> np.ndarray:
    """Choose at most `quota` tiles, bool (n,).

    Args:
        keys: distinct names of tiles. strata: a sortable name of each tile's stratum.
    """
    names = sorted(set(strata))
    number = {name: k for k, name in enumerate(names)}
    stratum = np.array([number[name] for name in strata], np.int64)
    counts = np.bincount(stratum, minlength=len(names))
    order = np.lexsort((np.asarray(keys, str), ranks(keys, seed, "quota"), stratum))
    place = np.empty(len(order), np.int64)  # position of each tile in its stratum
    place[order] = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    return place < water_fill(counts, quota)[stratum]
