"""The surroundings of the pipeline: services, workers, containers."""
