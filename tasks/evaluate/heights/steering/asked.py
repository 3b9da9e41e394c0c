"""What a text asks of the ground: relief, landform, slope and direction, read from its words.

Only these words are read, so that a text of any writer asks for no more than it says: Hammond's landform classes
(`tasks.relief.landform_classes`), landforms of geomorphons in the plural, words for slopes, and directions that slopes
face.
A text that names none of them asks for nothing that is measured.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from tasks.relief.geomorphons import NAMES
from tasks.relief.landform_classes import HILLS, RELIEF_LIMITS, SLOPE_CLASSES
from tasks.relief.winds import WINDS

QUADRANT = 45.0  # degrees on either side of the asked direction
MOST_COMMON = 2  # landforms of a tile, of which the asked one must be one

_SLOPES = [name for name, _ in SLOPE_CLASSES]
_RELIEF = {
    "flat plains": {0},
    "smooth plains": {1},
    "irregular plains": {0, 1},
    "tablelands": {2, 3, 4, 5},
    **{name: {step} for step, name in enumerate(HILLS)},
}
"""Landform class to its steps of relief, places in `HILLS`. `plains with hills` has the step of the hills."""
_LANDFORMS = {
    **{f"{name}s": name for name in NAMES if name != "slope"},  # every text has slopes
    "level ground": "flat",
    "flats": "flat",
    "low rises": "peak",
    "open slopes": "slope",
    "summits": "peak",
    "crests": "ridge",
}
_WORD = re.compile("|".join(rf"\b{name}\b" for name in sorted(_RELIEF, key=len, reverse=True)))
_NUMBER = r"(\d[\d,]*(?:\.\d+)?) m"
_METRES = re.compile(
    rf"\b{_NUMBER} (?:of relief|between the lowest|from its lowest)|\bheight difference of (?:about )?{_NUMBER}\b"
)
_SPAN = re.compile(r"\b(\d[\d,]*) to (\d[\d,]*) m above sea level")
_LANDFORM = re.compile("|".join(rf"\b{name}\b" for name in sorted(_LANDFORMS, key=len, reverse=True)))
_STEEP = r"(very gentle|gentle|moderate|very steep|steep)"
_SLOPE = re.compile(rf"\bslopes are (?:[a-z]+ ){{0,4}}?{_STEEP}(?: to {_STEEP})?")
_GROUND = re.compile(r"\b(level|gently sloping|sloping|very steep|steep) ground\b")
_GROUNDS = {"gently sloping": "gentle", "sloping": "moderate", "very gentle": "level"}
_WIND = r"(north-east|north-west|south-east|south-west|north|east|south|west)"
_FACING = re.compile(
    rf"\b(?:fac(?:e|es|ing)|looks?|looking|falls?|falling|turned|drops?|dropping|leans?|lean|descends?|descending)"
    rf"(?: mainly| mostly)?(?: to| towards)?(?: the)? {_WIND}\b"
)


@dataclass(frozen=True)
class Asked:
    """What a text asks for; None where it says nothing.

    Attributes:
        relief: steps of relief, places in `HILLS`. landform: the first geomorphon that is named.
        slopes: slope classes. facing: bearing in degrees.
    """

    relief: frozenset[int] | None
    landform: str | None
    slopes: frozenset[str] | None
    facing: float | None


def asked(text: str) -> Asked:
    """Read a text."""
    text = text.lower()
    ground, metres = _WORD.search(text), _METRES.search(text)
    relief = frozenset(_RELIEF[ground.group(0)]) if ground else None
    span = _SPAN.search(text)
    if metres or span:  # a rounded number may fall into the step beside that of the class; the class then counts
        told = (
            _number(metres.group(1) or metres.group(2)) if metres else _number(span.group(2)) - _number(span.group(1))
        )
        relief = frozenset({step(told)}) if relief is None else (relief & {step(told)} or relief)
    landform, wind = _LANDFORM.search(text), _FACING.search(text)
    return Asked(
        relief,
        _LANDFORMS[landform.group(0)] if landform else None,
        _asked_slopes(text),
        45.0 * WINDS.index(wind.group(1)) if wind else None,
    )


def _number(text: str) -> float:
    return float(text.replace(",", ""))


def step(relief: float) -> int:
    """The step of a relief in metres: its place in `HILLS`."""
    return int(np.searchsorted(RELIEF_LIMITS, relief, side="right"))


def answers(wish: Asked, facts: dict[str, Any]) -> dict[str, float]:
    """Whether ground with these facts is what was asked for: 1 or 0, NaN where nothing was asked."""
    relief, shares, slopes = facts.get("relief_m"), facts.get("landforms") or {}, facts.get("slope_shares") or {}
    most = sorted(shares, key=lambda name: -shares[name])[:MOST_COMMON]
    steepness = max(slopes, key=slopes.__getitem__) if slopes else None
    off = abs(facts.get("aspect_deg", np.nan) - (np.nan if wish.facing is None else wish.facing)) % 360
    return {
        "relief": _answer(wish.relief, relief is not None and step(relief) in (wish.relief or ())),
        "landform": _answer(wish.landform, wish.landform in most),
        "slope": _answer(wish.slopes, steepness in (wish.slopes or ())),
        "aspect": _answer(wish.facing, min(off, 360 - off) <= QUADRANT),
    }


def _answer(wish: Any, right: bool) -> float:
    return np.nan if wish is None else float(right)


def _asked_slopes(text: str) -> frozenset[str] | None:
    if found := _SLOPE.search(text):
        ends = [_SLOPES.index(_GROUNDS.get(word, word)) for word in found.groups() if word]
        return frozenset(_SLOPES[min(ends) : max(ends) + 1])
    if found := _GROUND.search(text):
        return frozenset({_GROUNDS.get(found.group(1), found.group(1))})
    return None
