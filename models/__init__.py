"""Networks, losses, methods and one training loop. Knows torch, knows no stage."""
