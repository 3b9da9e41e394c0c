"""Openly licensed pictures by Openverse's search."""
