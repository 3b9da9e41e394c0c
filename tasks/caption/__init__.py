"""Caption: measured facts about each tile, and a text of one or two sentences from them."""
