"""Views of the procedural planet's mountains, as a photographer stands in them."""
