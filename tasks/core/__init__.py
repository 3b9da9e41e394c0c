"""Code that every stage shares and that can change the bytes of an output."""
