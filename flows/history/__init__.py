"""Recorded runs: looked up, verified, recomputed and drawn."""
