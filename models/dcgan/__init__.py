"""A DCGAN for small sets of pictures."""
