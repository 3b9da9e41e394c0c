"""The real tiles of an evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tasks.core.stage import Stage
from tasks.formats.shards.shardset import ShardSet

READ = 1024  # tiles read together


def whole_tiles(
    stage: Stage[Any], shards: ShardSet, split: str, most: int, names: Sequence[str], key: str = ""
) -> dict[str, np.ndarray]:
    """Up to `most` tiles of a split without voids, in a random order that depends on `key` (the split's name).

    The size of the split does not change the number of tiles read.

    Args:
        names: names of the arrays. Only heights may have voids; every tile counts if `names` has no heights.

    Returns:
        Arrays (N, px, px) or (N, px, px, 3) by name, see `ShardSet.batch`, and `row`, their rows of the index; N may be
        0.
    """
    rows = stage.rng(key or split).permutation(shards.rows(split))
    taken, count, voids = [{**shards.batch(rows[:0], names), "row": rows[:0]}], 0, 0
    for start in range(0, len(rows), READ):
        part = rows[start : start + min(READ, most - count)]
        tiles = {**shards.batch(part, names), "row": part}
        whole = np.ones(len(part), bool)
        if "height" in tiles:
            whole = np.isfinite(tiles["height"]).all(axis=(1, 2))
        taken.append({name: array[whole] for name, array in tiles.items()})
        count, voids = count + int(whole.sum()), voids + int((~whole).sum())
        if count == most:
            break
    if voids:
        stage.say(f"{voids} tiles of {split} have voids and are left out")
    return {name: np.concatenate([part[name] for part in taken]) for name in taken[0]}
