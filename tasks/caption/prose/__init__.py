"""Prose: texts by a vision model behind an API, held to the facts, within a budget, and never paid twice."""
