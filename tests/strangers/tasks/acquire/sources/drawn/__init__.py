"""Pictures drawn by numpy."""
