"""Bundles: a stage in one file for a machine that reaches nothing, and its results in one file back."""
