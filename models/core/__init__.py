"""What every method shares: the loop, checkpoints, averages, conditions, saving and loading."""
