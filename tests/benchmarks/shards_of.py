"""Real tiles of a dataset, for benchmarks that compare them."""

from __future__ import annotations

import numpy as np

from tasks.formats.shards.shardset import ShardSet


def whole_tiles(shards: ShardSet, split: str, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Up to `most` random tiles of a split without voids, (n, px, px) in metres, and their captions (n,)."""
    rows = np.random.default_rng(0).permutation(shards.rows(split))[:most]
    heights = shards.batch(rows, ["height"])["height"]
    whole = np.isfinite(heights).all(axis=(1, 2))
    return heights[whole], shards.index["caption"].to_numpy(object)[rows][whole]
