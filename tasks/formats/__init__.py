"""What passes between rooms. Stages meet here and nowhere else."""
