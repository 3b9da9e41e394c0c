"""Terrains sampled from noise."""

DRAINS = True
"""The samples have heights, so the parameter `drain` can remove their pits."""
