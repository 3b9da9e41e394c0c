"""Pictures of Wikimedia Commons."""
