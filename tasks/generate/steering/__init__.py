"""Steering: samples that follow words, drawings or terrains that a person gives, outside the pipeline."""
