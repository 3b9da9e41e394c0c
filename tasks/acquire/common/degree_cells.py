"""Names of 1° cells, as elevation tiles have them: N46E008 is the cell whose south-west corner is 46° N, 8° E."""

from __future__ import annotations

import re

_NAME = re.compile(r"([NS])(\d{2})([EW])(\d{3})")


def cell_corner(name: str) -> tuple[int, int]:
    """(south, west) in whole degrees; ValueError where no such cell is on Earth."""
    found = _NAME.fullmatch(name)
    if not found:
        raise ValueError(f"{name!r} is no cell; a cell is written N46E008, by its south-west corner")
    south = int(found[2]) * (1 if found[1] == "N" else -1)
    west = int(found[4]) * (1 if found[3] == "E" else -1)
    if not (-90 <= south < 90 and -180 <= west < 180):
        raise ValueError(f"there is no cell {name} on Earth; corners go from S90W180 to N89E179")
    return south, west


def cell_name(south: int, west: int) -> str:
    """The name of the cell with this corner; west may be any turn of the Earth."""
    west = (west + 180) % 360 - 180
    return f"{'N' if south >= 0 else 'S'}{abs(south):02d}{'E' if west >= 0 else 'W'}{abs(west):03d}"
