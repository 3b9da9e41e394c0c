"""Flows, on a DVC project made for the test."""
