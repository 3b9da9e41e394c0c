"""What sources and the stage share: areas, downloads, and a look at every raster."""
