"""A small generator of pictures."""
