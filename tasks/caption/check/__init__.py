"""Check of sentences against the facts: what contradicts a measurement is rejected, with the reason."""
