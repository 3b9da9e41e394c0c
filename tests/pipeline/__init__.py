"""The whole pipeline, run for real by `dvc repro` in a clone of its own."""
