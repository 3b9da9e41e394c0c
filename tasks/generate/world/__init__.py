"""Seamless terrain of any size: an endless plane of heights, made in windows that overlap (docs/worlds.md)."""
