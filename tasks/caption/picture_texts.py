"""Texts about tiles without heights, from their facts alone."""

from __future__ import annotations

from hashlib import blake2b

from tasks.caption.describer import Facts
from tasks.caption.phrases import cover, ground, listed, size, told_cover, where

COLORS_MOST = 3
DATE_LONGEST = 24  # characters; a longer date is a sentence of a catalogue
LANGUAGES = {
    ("ar", "ara"): "Arabic",
    ("cs", "cze", "ces"): "Czech",
    ("da", "dan"): "Danish",
    ("de", "ger", "deu"): "German",
    ("el", "gre", "ell"): "Greek",
    ("en", "eng"): "English",
    ("es", "spa"): "Spanish",
    ("fa", "per", "fas"): "Persian",
    ("fi", "fin"): "Finnish",
    ("fr", "fre", "fra"): "French",
    ("he", "heb"): "Hebrew",
    ("hu", "hun"): "Hungarian",
    ("hy", "arm", "hye"): "Armenian",
    ("it", "ita"): "Italian",
    ("ja", "jpn"): "Japanese",
    ("ka", "geo", "kat"): "Georgian",
    ("ko", "kor"): "Korean",
    ("la", "lat"): "Latin",
    ("nl", "dut", "nld"): "Dutch",
    ("no", "nor"): "Norwegian",
    ("pl", "pol"): "Polish",
    ("pt", "por"): "Portuguese",
    ("ru", "rus"): "Russian",
    ("sv", "swe"): "Swedish",
    ("tr", "tur"): "Turkish",
    ("uk", "ukr"): "Ukrainian",
    ("zh", "chi", "zho"): "Chinese",
}
"""Names of languages for their codes of ISO 639-1 and 639-2."""

CLAUSES = ("size", "zone", "spot", "language", "script", "date")
WORDINGS = (
    ("it is {shares}", "the colours are mainly {colors}"),
    ("it shows {classes}", "most of it is {colors}"),
    ("the ground is {shares}", "the picture is mainly {colors}"),
)
"""Main clauses of the second sentence: land cover, colours."""


def picture_text(key: str, facts: Facts, drop_share: float) -> str:
    """One or two sentences. A hash of the key decides the wording and which clauses are left out."""
    digest = blake2b(key.encode(), digest_size=3 + len(CLAUSES), person=b"pictures").digest()
    dropped = [byte < drop_share * 256 for byte in digest[1:]]
    said = _clauses(facts)
    for name, drop in zip(CLAUSES, dropped, strict=False):
        if drop:
            said[name] = None
    first = ground(facts) + "".join(f", {said[name]}" for name in CLAUSES if said[name])
    covered, colored = WORDINGS[digest[0] % len(WORDINGS)]
    more = []
    told = told_cover(facts)
    if told and not dropped[-2]:
        more.append(covered.format(shares=cover(facts), classes=listed([one["class"] for one in told])))
    if (colors := _colors(facts)) and not dropped[-1]:
        more.append(colored.format(colors=colors))
    return " ".join(_sentence(words) for words in (first, ", and ".join(more)) if words)


def _clauses(facts: Facts) -> dict[str, str | None]:
    across, place, stated = size(facts["side_km"]), facts["place"], facts.get("stated", {})
    return {
        "size": f"{across} across" if across else None,
        "zone": f"in {place['zone']}" if place else None,
        "spot": where(place) if place else None,
        "language": _language(stated.get("language")),
        "script": f"in the {stated['script']} script" if isinstance(stated.get("script"), str) else None,
        "date": _date(stated.get("date")),
    }


def _language(given: str | list[str] | None) -> str | None:
    """The languages in words; None where one of them is a code that is not known here."""
    every = [given] if isinstance(given, str) else given or []
    names = {code: name for codes, name in LANGUAGES.items() for code in codes}
    words = [names.get(one.lower(), one if len(one) > 3 else None) for one in every]
    return f"in {listed(words)}" if words and None not in words else None


def _date(given: str | list[str] | None) -> str | None:
    date = given[0] if isinstance(given, list) and len(given) == 1 else given
    return f"dated {date}" if isinstance(date, str) and len(date) <= DATE_LONGEST else None


def _colors(facts: Facts) -> str | None:
    told = [one["color"] for one in facts.get("palette", [])[:COLORS_MOST]]
    return listed(told) if told else None


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."
