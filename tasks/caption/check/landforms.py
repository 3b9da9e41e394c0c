"""Landforms, steepness and cover of a sentence against the measured ones."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from tasks.caption.check.plain import plain
from tasks.caption.describer import Facts

MAINLY = re.compile(
    r"\b(?:main(?:ly)?|mostly|largely|chiefly|predominant(?:ly)?|dominat\w+ by|primarily)\s+"
    r"(?:of\s+)?(?:[\w-]+\s+)?$",
    re.IGNORECASE,
)
"""What stands before a landform that is said to make up most of the ground."""
NOT = re.compile(
    r"\b(?:no|not|without|lacks?|lacking|absent|neither|nor|devoid of|free of|rather than)\s+(?:[\w-]+\s+){0,2}$", re.I
)
MAIN_SHARE = 0.15  # of the most common of three landforms that cover half of the ground


@dataclass(frozen=True)
class Claim:
    """Words, what must have been measured for them to be true, and how to say what was measured.

    Attributes:
        words: a pattern. share: the measured share that carries the claim; None where it was not measured.
        least: the least share; where the words are said to make up most of the ground, `MAIN_SHARE` if that is more.
        told: what the share is of.
    """

    words: re.Pattern[str]
    share: Callable[[Facts], float | None]
    least: float
    told: str


def landform_problems(sentence: str, facts: Facts) -> list[str]:
    """Reasons against landforms, steepness, water and cover that the facts contradict."""
    if "height" not in facts["layers"]:
        return []
    sentence = plain(sentence, facts)
    problems = []
    for claim in CLAIMS:
        for match in claim.words.finditer(sentence):
            before = sentence[: match.start()]
            if NOT.search(before):
                continue
            share = claim.share(facts)
            least = max(claim.least, MAIN_SHARE) if MAINLY.search(before) else claim.least
            if share is not None and share < least:
                problems.append(f"{match.group(0)!r}: {claim.told} {share:.1%}, at least {least:.1%} is needed")
    problems += [f"{match.group(0)!r}: {reason}" for match, reason in _relief(sentence, facts)]
    covers = " ".join(one["class"] for one in facts.get("cover", [])).lower()
    for match in UNSEEN.finditer(sentence):
        if match.group(0).lower().rstrip("s") not in covers:
            problems.append(f"{match.group(0)!r} cannot be seen in heights")
    return list(dict.fromkeys(problems))


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE)


def _forms(*names: str) -> Callable[[Facts], float | None]:
    return lambda facts: sum(facts["landforms"][name] for name in names) if facts.get("landforms") else None


def _slopes(*names: str) -> Callable[[Facts], float | None]:
    return lambda facts: sum(facts["slope_shares"][name] for name in names) if facts.get("slope_shares") else None


def _level(facts: Facts) -> float | None:
    """Level ground, by whichever of the two measures finds more."""
    flat, level = _forms("flat", "shoulder", "footslope")(facts), _slopes("level", "gentle")(facts)
    return None if flat is None or level is None else max(flat, level)


def _low(facts: Facts) -> float | None:
    """Hollow ground: pits and valleys, or closed hollows."""
    forms = _forms("pit", "valley", "hollow", "footslope")(facts)
    return None if forms is None else max(forms, facts.get("closed_share", 0.0))


def _island(facts: Facts) -> float | None:
    return float(facts.get("islands", 0))


CLAIMS = (
    Claim(_words(r"(?:peak|summit|pinnacle)s?"), _forms("peak", "ridge"), 0.001, "peaks and ridges cover"),
    Claim(
        _words(r"(?:ridge|crest|arête|arete|ridgeline)s?"),
        _forms("ridge", "spur", "peak"),
        0.02,
        "ridges and spurs cover",
    ),
    Claim(_words(r"spurs?"), _forms("spur", "ridge"), 0.02, "spurs cover"),
    Claim(
        _words(r"(?:valley|gorge|canyon|ravine|gull(?:y|ie)|glen|couloir|trough|dale)s?"),
        _forms("valley", "hollow", "pit"),
        0.02,
        "valleys and hollows cover",
    ),
    Claim(_words(r"(?:hollow|cirque|coombe)s?"), _forms("hollow", "valley", "pit"), 0.02, "hollows and valleys cover"),
    Claim(_words(r"(?:depression|basin|crater|sinkhole|doline|pit)s?"), _low, 0.02, "hollow ground covers"),
    Claim(
        _words(r"shoulders?|bench(?:es)?|terraces?"),
        _forms("shoulder", "footslope", "flat", "slope"),
        0.02,
        "they cover",
    ),
    Claim(_words(r"footslopes?"), _forms("footslope", "valley", "flat"), 0.01, "footslopes cover"),
    Claim(_words(r"plains?|flats|flatlands?|level ground|flat ground"), _level, 0.15, "level ground covers"),
    Claim(_words(r"plateaus?|plateaux|tablelands?|mesas?"), _level, 0.15, "level ground covers"),
    Claim(
        _words(r"cliffs?|precipices?|escarpments?|scarps?|headwalls?"),
        _slopes("steep", "very steep"),
        0.02,
        "steep slopes cover",
    ),
    Claim(_words(r"very steep|precipitous|sheer"), _slopes("steep", "very steep"), 0.08, "steep slopes cover"),
    Claim(
        _words(r"(?<!moderately )(?<!very )steep(?:ly)?"), _slopes("steep", "very steep"), 0.04, "steep slopes cover"
    ),
    Claim(_words(r"(?:very )?gent(?:le|ly)"), _slopes("level", "gentle", "moderate"), 0.1, "slopes under 30 % cover"),
    Claim(
        re.compile(
            r"\b(?<!above )(?<!below )sea\b|\b(?:ocean|coast(?:al|line)?|shores?|shoreline|bay|estuary|headland)\b",
            re.I,
        ),
        lambda facts: facts.get("sea_share"),
        0.001,
        "the sea covers",
    ),
    Claim(_words(r"islands?"), _island, 1.0, "islands are counted as"),
    Claim(_words(r"streams?|rivers?"), lambda facts: facts.get("stream_density"), 0.01, "the density of streams is"),
)

UNSEEN = _words(
    r"forests?|forested|wood(?:land|s)|wooded|trees?|grass(?:land|es|y)?|meadows?|pastures?|vegetat(?:ed|ion)|snow(?:y|fields?)?|"
    r"ice|glaciers?|icefields?|lakes?|ponds?|towns?|villages?|cit(?:y|ies)|settlements?|roads?|buildings?|houses?|"
    r"farmlands?|crops?|fields?"
)
"""What heights do not show; a class of the labels may name it."""

HIGH = _words(r"mountains?|mountainous|alpine|massifs?|towering|lofty|high[\s-]relief")
HIGH_LEAST = 250.0  # metres of relief; Hammond's low mountains begin at 305
HILLS = _words(r"hills?|hilly|hillocks?")
HILLS_LEAST = 15.0
LOW = _words(r"low[\s-]relief|featureless|subdued|monotonous")
LOW_MOST = 305.0


def _relief(sentence: str, facts: Facts) -> list[tuple[re.Match[str], str]]:
    """Words for high and low relief that the measured relief contradicts."""
    if (relief := facts.get("relief_m")) is None:
        return []
    ground, found = facts.get("ground") or "", []
    if relief < HIGH_LEAST and "mountain" not in ground:
        found += [(match, f"the relief is {relief:g} m") for match in HIGH.finditer(sentence)]
    if relief < HILLS_LEAST and "hill" not in ground:
        found += [(match, f"the relief is {relief:g} m") for match in HILLS.finditer(sentence)]
    if relief > LOW_MOST:
        found += [(match, f"the relief is {relief:g} m") for match in LOW.finditer(sentence)]
    return [(match, reason) for match, reason in found if not NOT.search(sentence[: match.start()])]
