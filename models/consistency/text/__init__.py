"""Text encoders: a folder each, found by name."""
