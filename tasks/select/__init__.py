"""Cut scenes into tiles, measure every tile, keep a balanced choice, and split it by geography."""
