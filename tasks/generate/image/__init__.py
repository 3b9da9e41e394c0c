"""RGB pictures without heights."""
