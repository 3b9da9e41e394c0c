"""TFRecord shards: written, indexed and read."""
