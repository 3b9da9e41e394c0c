"""Writing, indexing and reading of TFRecord shards."""
