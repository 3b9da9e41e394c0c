"""Prefect flows: when and where stages run. They start DVC and import no stage."""
