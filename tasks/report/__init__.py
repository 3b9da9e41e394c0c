"""Writes one static page about a dataset, its model, the quality of the model and the lineage."""
