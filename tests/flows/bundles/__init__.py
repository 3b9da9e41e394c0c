"""Bundles without a pipeline: archives, packages."""
