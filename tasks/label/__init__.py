"""Give every pixel of the scenes a class, or say that the dataset has none."""
