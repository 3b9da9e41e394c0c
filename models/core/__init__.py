"""The parts that all methods share: the loop, checkpoints, averages, conditions, saving and loading."""
