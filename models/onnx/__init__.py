"""A finished terrain model as an ONNX file, for programs without Python, and as a page for a browser."""
