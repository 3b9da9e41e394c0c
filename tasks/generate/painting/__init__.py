"""Terrains painted from drawings."""

DRAINS = True
"""The samples have heights, so the parameter `drain` can remove their pits."""
