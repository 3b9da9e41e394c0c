"""Turns the directions in texts with their tiles: a slope that faces north faces west after a quarter turn.

Words of places keep their directions: names with a capital letter inside a sentence (`West Virginia`), degrees
(`45° N`), and the zones of a latitude (`the northern mid-latitudes`).
"""

from __future__ import annotations

import re

import numpy as np

from tasks.formats.tables.wind_names import GRAINS, WINDS

SHORT = {"NE": 1, "SE": 3, "SW": 5, "NW": 7}
_WIND = re.compile(
    r"\b(?P<first>north|south|east|west)(?P<gap>[- ]?)(?P<second>(?<=[hH][- ])(?:east|west)|(?<=[hH])(?:east|west))?"
    r"(?P<end>ern|erly|wards?|bound)?\b",
    re.IGNORECASE,
)
_ABBREVIATED = re.compile(r"\b(NE|SE|SW|NW)\b")
_ZONE = re.compile(r"(?:mid-latitudes|subtropics|hemisphere|tropics|latitudes)\b", re.IGNORECASE)
_LINE = re.compile(r"\b(?P<one>(?:north|south|east|west)[a-z-]*) to (?P<other>(?:north|south|east|west)[a-z-]*)\b")

_FALL = re.compile(
    r"\b(?:falls?|drops?|slop(?:es?|ing)|descends?|dips?|tilts?|rises?|climbs?|flows?|drains?)\b[^.;,]*$", re.I
)
"""Words before a line that has a direction: ground that falls from north to south does not fall from south to north."""


def turned_texts(texts: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Each text, turned as `tasks.train.training_tiles.turned` turns its tile; `codes` (n,) are 0..7."""
    found = np.empty(len(texts), object)
    found[:] = [turned_text(text, int(code)) for text, code in zip(texts, codes, strict=True)]
    return found


def turned_text(text: str | None, code: int) -> str:
    """One text, turned by a code; None is no text."""
    if not text or code == 0:
        return text or ""

    def wind(match: re.Match[str]) -> str:
        return _turned_wind(match, text, code)

    found = _WIND.sub(wind, text)
    found = _ABBREVIATED.sub(lambda match: _short(_bearing(SHORT[match.group()], code)), found)
    return _LINE.sub(_in_order, found)


def _bearing(eighth: int, code: int) -> int:
    """Where a bearing (in eighths of a circle from north) lies after the turn."""
    eighth = (eighth - 2 * (code % 4)) % 8  # a quarter turn counter-clockwise brings the east to the north
    return (4 - eighth) % 8 if code >= 4 else eighth  # then the north and the south change places


def _turned_wind(match: re.Match[str], text: str, code: int) -> str:
    whole, place = match.group(), match.start()
    name = match["first"].lower() + (f"-{match['second'].lower()}" if match["second"] else "")
    begins = place == 0 or text[:place].rstrip()[-1:] in ".!?;"
    capital = whole[0].isupper()
    followed = text[match.end() :].lstrip()
    if (capital and (not begins or followed[:1].isupper())) or _ZONE.match(followed):
        return whole
    gap = match["gap"] if match["second"] else "-"
    trailing = "" if match["second"] else match["gap"]
    turned = WINDS[_bearing(WINDS.index(name), code)].replace("-", gap) + (match["end"] or "") + trailing
    return turned[0].upper() + turned[1:] if capital else turned


def _short(eighth: int) -> str:
    return next(name for name, place in SHORT.items() if place == eighth)


def _in_order(match: re.Match[str]) -> str:
    """A line, with its ends in the order of captions; a fall or a rise keeps its direction."""
    if _FALL.search(match.string[: match.start()]):
        return match.group()
    back = f"{match['other']} to {match['one']}"
    return back if back in GRAINS else match.group()
