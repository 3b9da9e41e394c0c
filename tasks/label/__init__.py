"""Label: classes of the pixels of the scenes, or an empty class card."""
