"""Try a machine with a GPU in a few minutes: are its numbers right, what makes it fast, and what does it train."""
