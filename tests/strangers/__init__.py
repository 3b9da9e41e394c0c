"""A method, a source and an export that the project does not know: a test copies them into a clone."""
