"""Recorded runs: find them, verify them, recompute them, draw their lineage."""
