"""What stands around the pipeline: services, workers, containers."""
