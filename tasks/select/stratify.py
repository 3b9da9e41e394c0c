"""The choice: a quota shared evenly over strata, so that plains are not lost among mountains.

A stratum is a bin of relief in a region. Where one has fewer tiles than its share, the rest passes on to
the others (water-filling); within one, a seeded order chooses.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tasks.select.order import ranks


def water_fill(counts: np.ndarray, quota: int) -> np.ndarray:
    """How many to take of each stratum: min(count, level), with the level as high as the quota allows.

    What the level leaves over, fewer than there are strata, goes one each to the first strata that have more.
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
    """Bin of each relief, 0 to len(edges) - 2; beyond the edges the nearest bin, and -1 where there is no relief."""
    bins = np.clip(np.digitize(relief, edges[1:-1]), 0, len(edges) - 2)
    return np.where(np.isnan(relief), -1, bins)


def choose(keys: Sequence[str], strata: Sequence[tuple], quota: int, seed: int) -> np.ndarray:
    """Which tiles to take, bool (n,), at most `quota`.

    Args:
        keys: distinct names of tiles. strata: a sortable name of each tile's stratum.
    """
    names = sorted(set(strata))
    number = {name: k for k, name in enumerate(names)}
    stratum = np.array([number[name] for name in strata], np.int64)
    counts = np.bincount(stratum, minlength=len(names))
    order = np.lexsort((np.asarray(keys, str), ranks(keys, seed, "quota"), stratum))
    place = np.empty(len(order), np.int64)  # of each tile in its stratum
    place[order] = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    return place < water_fill(counts, quota)[stratum]
