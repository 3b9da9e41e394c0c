"""Caption: what can truly be said of each tile, as facts and as a sentence or two."""
