"""The built-in sample: it needs no key and no network."""
