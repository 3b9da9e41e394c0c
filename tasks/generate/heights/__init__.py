"""Terrains sampled from noise."""
