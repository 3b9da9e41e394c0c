"""Evaluate: how far generated terrain is from held-out terrain, beside what "close" and "far" mean."""
