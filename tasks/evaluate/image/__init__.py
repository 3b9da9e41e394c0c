"""How RGB pictures without heights are measured."""
