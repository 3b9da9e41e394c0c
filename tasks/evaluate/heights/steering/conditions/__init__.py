"""One module for each condition of a model whose effect is measured, named after it."""
