"""Networks, losses, methods and one training loop. Imports torch and imports no stage."""
