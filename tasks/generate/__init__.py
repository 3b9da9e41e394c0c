"""Generate: samples of a trained model, in the formats that GIS tools, game engines and image viewers read."""
