"""Tables, scenes, label maps and drawings that stages exchange."""
