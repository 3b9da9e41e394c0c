"""Rasters that lie on this machine."""
