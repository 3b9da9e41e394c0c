"""The method `terrain_gan`: textures and heights painted from maps of classes."""
