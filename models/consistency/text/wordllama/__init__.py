"""Token embeddings that come inside the package wordllama, under a learned projection."""
