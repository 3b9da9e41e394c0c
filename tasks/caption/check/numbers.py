"""Numbers of a sentence against the measured ones: each must be one of them, rounded."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tasks.caption.describer import Facts

UNITS = {
    "m": ("length", 1.0),
    "metre": ("length", 1.0),
    "meter": ("length", 1.0),
    "km": ("length", 1000.0),
    "kilometre": ("length", 1000.0),
    "kilometer": ("length", 1000.0),
    "ft": ("length", 0.3048),
    "foot": ("length", 0.3048),
    "feet": ("length", 0.3048),
    "mile": ("length", 1609.344),
    "%": ("share", 0.01),
    "percent": ("share", 0.01),
    "per cent": ("share", 0.01),
    "°": ("angle", 1.0),
    "degree": ("angle", 1.0),
}
"""What a unit measures, and its size in metres, shares of one or degrees."""
_UNIT = r"(?:km|m|met(?:re|er)s?|kilomet(?:re|er)s?|ft|foot|feet|miles?|%|percent|per cent|°|degrees?)"
NUMBER = re.compile(
    rf"(?<![\w.])[-−]?(?P<value>\d[\d,]*(?:\.\d+)?)(?:[\s-]*(?P<unit>{_UNIT})(?P<square>²|2\b)?(?![\w²]))?",
    re.IGNORECASE,
)
RANGE = re.compile(r"\s*(?:to|and|or|–|—|-)\s*[-−]?\d")  # `300 to 980 m`: both have the unit of the second
ROUNDED = 0.06  # two significant digits are within 5 %
SHARE_OFF, ANGLE_OFF = 0.06, 2.0  # shares of one, degrees
FRACTIONS = {
    "nine tenths": 0.9,
    "three quarters": 0.75,
    "two thirds": 0.667,
    "half": 0.5,
    "a third": 0.333,
    "one third": 0.333,
    "a quarter": 0.25,
    "one quarter": 0.25,
    "a fifth": 0.2,
    "a tenth": 0.1,
}
FRACTION = re.compile(rf"\b({'|'.join(FRACTIONS)}) of (?:it|the|its|this)\b", re.IGNORECASE)
FRACTION_OFF = 0.1


@dataclass(frozen=True)
class Number:
    """One number of a sentence: as it is written, its value in metres, shares or degrees, and what it measures."""

    written: str
    value: float
    kind: str


def number_problems(sentence: str, facts: Facts) -> list[str]:
    """Reasons against numbers that are not measured."""
    problems = []
    for number in numbers(sentence):
        if not _measured(number, facts):
            known = _known(number.kind, facts)
            problems.append(f"{number.written!r} is not measured" + (f"; measured are {known}" if known else ""))
    shares = _shares(facts)
    for match in FRACTION.finditer(sentence):
        if not any(abs(FRACTIONS[match.group(1).lower()] - share) <= FRACTION_OFF for share in shares):
            problems.append(f"{match.group(0)!r} is the share of nothing that was measured")
    return problems


def numbers(sentence: str) -> list[Number]:
    """All numbers in digits, in their order."""
    found = list(NUMBER.finditer(sentence))
    units = [_unit(match) for match in found]
    for index in range(len(found) - 2, -1, -1):  # from behind, so that a unit travels along a list
        if units[index] is None and RANGE.match(sentence, found[index].end("value")):
            units[index] = units[index + 1]
    told = []
    for match, unit in zip(found, units, strict=True):
        kind, size = unit or ("count", 1.0)
        told.append(Number(match.group(0).strip(), float(match.group("value").replace(",", "")) * size, kind))
    return told


def _unit(match: re.Match[str]) -> tuple[str, float] | None:
    if match.group("unit") is None:
        return None
    name = match.group("unit").lower()
    kind, size = UNITS[name] if name in UNITS else UNITS[name.rstrip("s")]
    return ("area", size**2) if match.group("square") else (kind, size)


def _measured(number: Number, facts: Facts) -> bool:
    if number.kind == "length":
        off = 0.05 * facts.get("relief_m", 0)  # heights are told in steps that suit the relief
        return any(abs(number.value - length) <= max(ROUNDED * length, off, 0.5) for length in _lengths(facts))
    if number.kind == "share":
        return any(abs(number.value - share) <= SHARE_OFF for share in _shares(facts))
    if number.kind == "angle":
        return any(abs(number.value - angle) <= max(ANGLE_OFF, 0.15 * angle) for angle in _angles(facts))
    if number.kind == "area":
        side = (facts.get("side_km") or 0) * 1000
        return abs(number.value - side**2) <= 2 * ROUNDED * side**2
    stated = (match.group("value") for match in NUMBER.finditer(str(facts.get("stated", {}))))
    return number.value in (facts.get("islands"), *(float(value.replace(",", "")) for value in stated))


def _lengths(facts: Facts) -> list[float]:
    """Measured lengths in metres; a depth below sea level is told without its sign."""
    heights = facts.get("elevation_m", {}).values()
    sides = [(facts.get("side_km") or 0) * 1000, facts.get("gsd_m") or 0]
    return [abs(value) for value in (*heights, facts.get("relief_m", 0), *sides) if value is not None]


def _shares(facts: Facts) -> list[float]:
    named = [facts.get(key, {}) for key in ("slope_shares", "landforms", "aspect_shares")]
    single = [
        facts.get(key) for key in ("sea_share", "gentle_share", "closed_share", "largest_catchment", "void_share")
    ]
    shares = [share for group in named for share in group.values()] + [one["share"] for one in facts.get("cover", [])]
    shares += [share for share in single if share is not None]
    return shares + [1 - facts["sea_share"]] if "sea_share" in facts else shares


def _angles(facts: Facts) -> list[float]:
    place = facts.get("place") or {}
    return [abs(value) for value in (facts.get("slope_deg"), place.get("lat"), place.get("lon")) if value is not None]


def _known(kind: str, facts: Facts) -> str:
    if kind == "length":
        return ", ".join(f"{value:g} m" for value in sorted(set(_lengths(facts))) if value)
    if kind == "angle":
        return ", ".join(f"{value:g}°" for value in _angles(facts))
    return ""
