"""Stages of the pipeline: one room per stage, named by its verb. Each runs with no server."""
