"""Tables, scenes and drawings that pass between stages."""
