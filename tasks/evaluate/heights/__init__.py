"""How heights are measured."""
