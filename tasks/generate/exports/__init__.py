"""One module an export; found by its name."""
