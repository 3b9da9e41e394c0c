"""Terrains from a trained model, in the formats that maps and game engines read."""
