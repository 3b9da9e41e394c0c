"""Bundles: stages in one file for a machine without network, and their results in one file for the way back."""
