"""Slope and hillshade: what every picture of heights needs."""
