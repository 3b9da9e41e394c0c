"""Published rasters by their addresses."""
