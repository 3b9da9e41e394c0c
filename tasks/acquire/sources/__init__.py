"""One folder a source: `params.py` describes its block in `params.yaml`, `source.py` names its rasters."""
