"""Train a generator of terrain on shards."""
