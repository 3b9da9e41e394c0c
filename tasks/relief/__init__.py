"""Terrain analysis on heights in metres. Every function takes arrays and a GSD and knows no stage."""
