"""A generated terrain and its files: rasters, codes for engines, meshes. The products with heights share it."""
