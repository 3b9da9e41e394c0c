"""Slope and hillshade, which all pictures of heights use."""
