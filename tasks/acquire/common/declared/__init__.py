"""What a raster declares of its heights. `table` says what is read from which format."""
