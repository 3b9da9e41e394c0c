"""What can be done with the latent space of a finished model: pictures of its points, projection into it."""
