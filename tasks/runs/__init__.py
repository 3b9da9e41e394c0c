"""Bookkeeping: what a run records. Nothing here changes the bytes of an output."""
