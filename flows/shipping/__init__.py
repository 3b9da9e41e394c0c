"""What `python -m flows.ship` uses: a finished training, its weights, and its card."""
