"""Stratified choice: a quota is shared evenly over strata, so that all kinds of relief or of pictures are represented.

A stratum is a bin of relief in a region. Pictures have no relief: their bins are of a statistic of their colours. Where
a stratum has fewer tiles than its share, the other strata get the rest (water-filling). A seeded random order chooses
within a stratum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tasks.select.order import ranks
from tasks.select.params import Params


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


@dataclass(frozen=True)
class Scale:
    """Bins of one statistic.

    Attributes:
        column: its name. edges: ascending. unit: of the edges, with a space before it, or empty.
    """

    column: str
    edges: tuple[float, ...]
    unit: str = ""

    def bins(self, tiles: pd.DataFrame) -> np.ndarray:
        """Bin of each tile, as `relief_bins`."""
        return relief_bins(tiles[self.column].to_numpy(np.float64), self.edges)

    def names(self) -> list[str]:
        """Name of each bin, such as `relief 30-100 m`."""
        steps = zip(self.edges, self.edges[1:], strict=False)
        return [f"{self.column} {low:g}-{high:g}{self.unit}" for low, high in steps]


def scales(tiles: pd.DataFrame, params: Params) -> list[Scale]:
    """The bins that the tiles are balanced by: of relief where any has heights, of colours where any is a picture."""
    picture = is_picture(tiles)
    found = [] if len(tiles) and picture.all() else [Scale("relief", tuple(params.relief_bins), " m")]
    if picture.any() and params.balance_by is not None:
        found.append(Scale(params.balance_by, tuple(params.balance_bins)))
    return found


def is_picture(tiles: pd.DataFrame) -> np.ndarray:
    """Whether each tile is of a scene with colours and without heights, bool (n,)."""
    return tiles["sharpness"].notna().to_numpy() if "sharpness" in tiles else np.zeros(len(tiles), bool)


def strata(tiles: pd.DataFrame, params: Params) -> list[tuple]:
    """The stratum of each tile: its bin, and its region or its source."""
    bins = relief_bins(tiles["relief"].to_numpy(), params.relief_bins)
    picture = is_picture(tiles)
    if picture.any():
        # Negative numbers: pictures share no stratum with heights.
        found = scales(tiles[picture], params)
        bins[picture] = -2 - (found[0].bins(tiles[picture]) if found else 0)
    return list(zip(bins.tolist(), tiles["block" if params.balance_each == "source" else "region"], strict=True))


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
