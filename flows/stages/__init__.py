"""Stages run through DVC: graph, state, processes."""
