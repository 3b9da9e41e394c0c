"""The identity of the held-out tiles. Two evaluations can be compared only if both measured against the same tiles."""

from __future__ import annotations

import hashlib

from tasks.core.hashing import file_md5
from tasks.formats.shards.shardset import ShardSet


def held_out(shards: ShardSet) -> str:
    """Return one hash over the shard files of the split `val`, in their order: 32 hexadecimal digits."""
    names = sorted(set(shards.index["shard"][shards.rows("val")]))
    listing = "".join(f"{file_md5(shards.folder / name)}\n" for name in names)
    return hashlib.sha256(listing.encode()).hexdigest()[:32]
