"""Words for units of length. A word that is not here is refused: it is never taken as metres."""

from __future__ import annotations

from pyproj.database import get_units_map

FOOT, US_FOOT, FATHOM = 0.3048, 1200 / 3937, 1.8288

METRES = {
    **dict.fromkeys(("m", "metre", "meter", "metres", "meters", "mtr", "metros", "mètre", "mètres"), 1.0),
    **dict.fromkeys(("km", "kilometre", "kilometer", "kilometres", "kilometers"), 1000.0),
    **dict.fromkeys(("dm", "decimetre", "decimeter", "decimetres", "decimeters"), 0.1),
    **dict.fromkeys(("cm", "centimetre", "centimeter", "centimetres", "centimeters"), 0.01),
    **dict.fromkeys(("mm", "millimetre", "millimeter", "millimetres", "millimeters"), 0.001),
    **dict.fromkeys(("ft", "foot", "feet", "international foot", "international feet", "foot intl"), FOOT),
    **dict.fromkeys(("us ft", "ftus", "us foot", "us feet", "foot us", "feet us", "us survey foot"), US_FOOT),
    **dict.fromkeys(("us survey feet", "survey foot", "survey feet", "foot us survey", "sftus"), US_FOOT),
    **dict.fromkeys(("fathom", "fathoms", "fath"), FATHOM),
    **dict.fromkeys(("yd", "yard", "yards"), 0.9144),
}
"""Metres in a unit, by its name in lower case with single spaces for other separators."""


def metres_of(word: str) -> float | None:
    """Metres in the unit that a word names; None where the word is not known."""
    plain = " ".join(word.lower().replace("_", " ").replace("-", " ").replace("(", " ").replace(")", " ").split())
    return METRES.get(plain)


def metres_of_code(code: int) -> float | None:
    """Metres in the unit of length with this EPSG code, as in the keys of a GeoTIFF; None where there is none."""
    found = [unit for unit in get_units_map("EPSG", "linear").values() if unit.code == str(code)]
    return float(found[0].conv_factor) if found else None
