"""Train a generator on shards."""
