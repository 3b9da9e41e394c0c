"""Registers a model version in MLflow and links it to its data, its runs and its metrics."""
