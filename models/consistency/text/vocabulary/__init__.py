"""The words of the train captions, with embeddings that are learned with the model."""
