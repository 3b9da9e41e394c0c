"""Does what a person gives steer the model? Words, sketches, coarse and known heights of held-out tiles."""
