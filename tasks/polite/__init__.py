"""Requests to services of others: the turns that all processes share, and the limits that hosts publish."""
