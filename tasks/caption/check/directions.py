"""Directions of a sentence against the measured ones: of slopes, of crests, of water and of the sea."""

from __future__ import annotations

import re

from tasks.caption.check.plain import plain
from tasks.caption.describer import Facts
from tasks.formats.tables.wind_names import WINDS
from tasks.relief.winds import away

_POINT = r"(?:north[\s-]?east|north[\s-]?west|south[\s-]?east|south[\s-]?west|north|east|south|west)"
_ABBREVIATED = r"(?-i:N\.?E|N\.?W|S\.?E|S\.?W|N|E|S|W)"
_W = rf"(?P<wind>{_POINT})(?:ern(?:most)?|erly|wards?)?\b"
_TO = r"(?:to|towards?|into)\s+(?:the\s+)?"
_SOME = r"(?:[\w-]+\s+){0,4}?"
MAINLY = re.compile(
    r"\b(main|most|larg|general|predominant|chief|primar|dominant|overall|over all|consistent)", re.IGNORECASE
)

FACING = (
    re.compile(rf"\b{_W}[\s-]+facing\b", re.IGNORECASE),
    re.compile(rf"\b(?:fac(?:e|es|ing)|look(?:s|ing)?|turned)\s+{_SOME}(?:{_TO})?{_W}", re.IGNORECASE),
    re.compile(rf"\b{_W}\s+aspects?\b", re.IGNORECASE),
)
_FALLING = r"(?:descend|drop|fall|dip|slop|tilt|declin|lean|inclin)\w*"
FALLING = re.compile(rf"\b{_FALLING}\s+{_SOME}(?:{_TO})?{_W}", re.IGNORECASE)
RISING = re.compile(rf"\b(?:ris|climb|ascend)\w*\s+{_SOME}(?:{_TO}){_W}", re.IGNORECASE)
DRAINING = re.compile(rf"\b(?:drain\w*|flow\w*|runs?\s+off|leaves)\s+{_SOME}(?:{_TO}|in\s+the\s+)?{_W}", re.IGNORECASE)
FROM_TO = re.compile(
    rf"\b(?P<verb>{_FALLING}|(?:ris|climb|ascend)\w*)\s+{_SOME}from\s+(?:the\s+)?(?P<start>{_POINT})\s+(?:to|towards?)\s+"
    rf"(?:the\s+)?(?P<end>{_POINT})\b",
    re.IGNORECASE,
)
AXIS = re.compile(
    rf"\b(?P<one>{_POINT}|{_ABBREVIATED})\s*(?:-|–|—|/|to(?:\s+the)?)\s*(?P<two>{_POINT}|{_ABBREVIATED})\b",
    re.IGNORECASE,
)
SEA = (
    re.compile(
        rf"\b(?:sea|ocean|coast|coastline|shore|shoreline|water)\s+(?:[\w,-]+\s+){{0,8}}?(?:to|in|on|along|at|towards?)\s+"
        rf"(?:the|its)\s+{_W}",
        re.IGNORECASE,
    ),
    re.compile(rf"\b{_W}\s+(?:sea|ocean|coast|coastline|shore|shoreline)\b", re.IGNORECASE),
)
HIGH = re.compile(
    rf"\b(?:high(?:est|er)?\s+(?:ground|point|land|terrain|summit|peak)|summit|peak)\w*\s+{_SOME}(?:in|to|at|along|towards?)\s+"
    rf"(?:the|its)\s+{_W}",
    re.IGNORECASE,
)

ABBREVIATIONS = {"".join(part[0].upper() for part in name.split("-")): name for name in WINDS}

MEAN_OFF = 67.5  # degrees between a told and the measured mean direction: one wind and a half
LEAST_STRENGTH = 0.2  # agreement of slopes below which the ground as a whole falls nowhere
LEAST_FACING = 0.1  # share of the land that must face a told direction, give or take one wind
AXIS_OFF = 40.0
AXIS_NONE, AXIS_SURE = 0.25, 0.35  # strength of the grain below which no line is there, and above which it is sure


def direction_problems(sentence: str, facts: Facts) -> list[str]:
    """Reasons against directions that contradict the measured ones."""
    rest = plain(sentence, facts)
    problems = []
    for match in list(FROM_TO.finditer(rest)):
        falls = match.group("verb")[:3].lower() not in ("ris", "cli", "asc")
        end = match.group("end") if falls else match.group("start")
        problems += _falls(match.group(0), _wind(end), facts)
        rest = rest.replace(match.group(0), " … ")  # it is no line of crests
    for match in list(AXIS.finditer(rest)):
        if away(_wind(match.group("one")), _wind(match.group("two"))) == 4:
            problems += _axis(match, facts)
            rest = rest.replace(match.group(0), " … ")
    for pattern in FACING:
        for match in pattern.finditer(rest):
            problems += _faces(match, facts)
    for match in FALLING.finditer(rest):
        problems += _falls(match.group(0), _wind(match.group("wind")), facts)
    for match in RISING.finditer(rest):
        problems += _falls(match.group(0), _opposite(_wind(match.group("wind"))), facts)
    for match in DRAINING.finditer(rest):
        problems += _drains(match, facts)
    for pattern in SEA:
        problems += [problem for match in pattern.finditer(rest) for problem in _sea(match, facts)]
    for match in HIGH.finditer(rest):
        problems += _high(match, facts)
    return list(dict.fromkeys(problems))


def _faces(match: re.Match[str], facts: Facts) -> list[str]:
    if "aspect_shares" not in facts:
        return []
    wind = _wind(match.group("wind"))
    if facts["aspect"] and away(facts["aspect"], wind) <= 1:
        return []
    if MAINLY.search(match.group(0)):
        return _falls(match.group(0), wind, facts)
    share = sum(share for name, share in facts["aspect_shares"].items() if away(name, wind) <= 1)
    if share >= LEAST_FACING:
        return []
    return [f"{match.group(0)!r}: {share:.0%} of the ground faces that way"]


def _falls(said: str, wind: str, facts: Facts) -> list[str]:
    if "aspect_deg" not in facts:
        return []
    off = _between(facts["aspect_deg"], WINDS.index(wind) * 45)
    if facts["aspect_strength"] < LEAST_STRENGTH:
        return [f"{said!r}: the ground falls in no main direction"]
    if off <= MEAN_OFF:
        return []
    return [f"{said!r}: the ground falls to the {WINDS[round(facts['aspect_deg'] / 45) % 8]}"]


def _drains(match: re.Match[str], facts: Facts) -> list[str]:
    wind, known = _wind(match.group("wind")), facts.get("drains_to")
    if known is None:
        return []
    return [] if away(wind, known) <= 1 else [f"{match.group(0)!r}: water leaves to the {known}"]


def _axis(match: re.Match[str], facts: Facts) -> list[str]:
    if "grain_deg" not in facts:
        return []
    one = _wind(match.group("one"))
    strength = facts["grain_strength"]
    if strength < AXIS_NONE:
        return [f"{match.group(0)!r}: nothing runs in one line"]
    off = _between(2 * facts["grain_deg"], 2 * WINDS.index(one) * 45) / 2
    if strength < AXIS_SURE or off <= AXIS_OFF:
        return []
    return [f"{match.group(0)!r}: crests and valleys run at {facts['grain_deg']}° from north"]


def _sea(match: re.Match[str], facts: Facts) -> list[str]:
    known = facts.get("sea_side")
    if known is None or away(_wind(match.group("wind")), known) <= 1:
        return []
    return [f"{match.group(0)!r}: the sea lies to the {known}"]


def _high(match: re.Match[str], facts: Facts) -> list[str]:
    """High ground on the side to which an even slope falls."""
    if not facts.get("aspect"):
        return []
    wind = _wind(match.group("wind"))
    return (
        [f"{match.group(0)!r}: the ground falls to the {facts['aspect']}"] if away(wind, facts["aspect"]) <= 1 else []
    )


def _wind(said: str) -> str:
    letters = re.sub(r"[^A-Za-z]", "", said)
    return ABBREVIATIONS.get(letters) or next(name for name in WINDS if name.replace("-", "") == letters.lower())


def _opposite(wind: str) -> str:
    return WINDS[(WINDS.index(wind) + 4) % 8]


def _between(one: float, other: float) -> float:
    """Degrees between two bearings, 0 to 180."""
    off = abs(one - other) % 360
    return min(off, 360 - off)
