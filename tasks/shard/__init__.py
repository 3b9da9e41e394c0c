"""The chosen tiles, their labels and captions, written once as shards with an index and a card."""
