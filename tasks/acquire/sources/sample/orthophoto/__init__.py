"""An orthophoto of the procedural planet: fields, woods, water, roads and villages seen from straight above."""
