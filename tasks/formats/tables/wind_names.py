"""The words for directions in captions: the eight winds, and the four lines between opposite winds."""

WINDS = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")
"""Clockwise from the north, 45° apart."""
GRAINS = ("north to south", "north-east to south-west", "east to west", "north-west to south-east")
"""The order in which captions name the two ends of a line."""
