"""How stored numbers of a raster become heights in metres."""
