"""Project: every raster onto metric grids of one ground sampling distance."""
