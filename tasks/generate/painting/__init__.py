"""Terrains painted from drawings."""
