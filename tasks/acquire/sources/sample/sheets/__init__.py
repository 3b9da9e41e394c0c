"""Map sheets of the procedural planet, as printed and scanned: contours or hachures, lettering, a frame, paper."""
