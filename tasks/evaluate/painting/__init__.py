"""How paintings are measured: their heights as terrain, and their light, variety and colours."""
