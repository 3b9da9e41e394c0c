"""The model version in MLflow, tied to the data, the runs and the figures it came from."""
