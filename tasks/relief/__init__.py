"""Terrain analysis of heights in metres. The functions take arrays and a GSD and depend on no stage."""
