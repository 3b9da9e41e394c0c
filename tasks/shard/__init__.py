"""Shard: write kept tiles with labels and captions once, as shards with an index and a data card."""
