"""acquire: rasters as published, from a sample, a folder or a catalogue, and the ledger of where each came from."""
