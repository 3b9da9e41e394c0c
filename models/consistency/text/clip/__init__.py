"""The text encoder of a CLIP model, by transformers."""
