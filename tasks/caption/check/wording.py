"""What a sentence may be: one whole sentence in English, without colours of a drawn map, without names of its own."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable

from tasks.caption.describer import Facts

MOST_WORDS = 60
COLORS = re.compile(
    r"\b(?:red|green|blue|brown|yellow|white|black|gr[ae]y|orange|purple|pink|tan|beige|olive|teal|"
    r"(?:red|green|blue|brown|yellow|whit|gr[ae]y|purpl|pink)ish|colou?r(?:s|ed|ation|ing)?|hues?|tints?|shad(?:ed|ing)|"
    r"hillshade|pixels?|colou?rmap|legend)\b",
    re.IGNORECASE,
)
"""Words about the drawing and not about the ground."""
PLAIN = {"North", "East", "South", "West", "I", "Earth", "Hammond", "UTC"}
PLAIN |= {f"{one}{two}" for one in ("North", "South") for two in ("east", "west", "-East", "-West", "-east", "-west")}
PLAIN |= {"N", "E", "S", "W", "NE", "NW", "SE", "SW"}
"""Capitalised words that name no place."""


def wording_problems(sentence: str, facts: Facts) -> list[str]:
    """Reasons against the wording of one sentence."""
    problems = []
    if not sentence[:1].isupper() and not sentence[:1].isdigit():
        problems.append("it does not begin like a sentence")
    if sentence[-1:] not in (".", "!"):
        problems.append("it does not end like a sentence")
    if re.search(r"[.!?]\s+[A-Z]", sentence[:-1]):
        problems.append("it is more than one sentence")
    if len(sentence.split()) > MOST_WORDS:
        problems.append(f"it has more than {MOST_WORDS} words")
    if foreign := [letter for letter in sentence if letter.isalpha() and "LATIN" not in unicodedata.name(letter, "")]:
        problems.append(f"{foreign[0]!r} is no letter of English")
    if "height" in facts["layers"] and (colour := COLORS.search(sentence)):
        problems.append(f"{colour.group(0)!r} speaks of the drawing, and not of the ground")
    return problems + name_problems(_capitals(sentence), facts)


def name_problems(names: Iterable[str], facts: Facts) -> list[str]:
    """Reasons against names of places: only those that the facts give are known to be right."""
    known = {word.casefold() for word in _words(_told(facts))}
    unknown = [name for name in names if any(word.casefold() not in known for word in _words(name))]
    return [f"the facts do not name {name!r}" for name in dict.fromkeys(unknown)]


def _told(facts: Facts) -> str:
    """All words that the facts give: of the place, of the publisher, of the subject and of the labels."""
    place, cover = facts.get("place") or {}, [one["class"] for one in facts.get("cover", [])]
    stated = json.dumps(facts.get("stated", {}), ensure_ascii=False)
    return " ".join([place.get("name", ""), place.get("zone", ""), facts.get("subject") or "", stated, *cover])


def _capitals(sentence: str) -> list[str]:
    """Capitalised words after the first, without the words of `PLAIN`."""
    found = re.findall(r"(?<!^)(?<![\w’'-])[A-ZÀ-Þ][\w’'-]*", sentence)
    return [word for word in found if re.sub(r"['’]s$", "", word) not in PLAIN]


def _words(text: str) -> list[str]:
    return [re.sub(r"['’]s$", "", word) for word in re.findall(r"[\w’'-]+", text)]
