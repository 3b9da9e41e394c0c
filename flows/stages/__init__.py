"""Running stages through DVC: the graph, their state, their processes."""
