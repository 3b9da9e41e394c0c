"""Rasters of a STAC catalogue."""
