"""Explore: pictures that show what the latent space of a trained model holds. docs/explore.md explains each part."""
