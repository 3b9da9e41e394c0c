"""Bookkeeping of runs: MLflow, provenance, secrets, hardware. Nothing here changes the bytes of an output."""
