"""Evaluate: the distance of generated tiles to held-out tiles, beside floors and known-bad controls."""
