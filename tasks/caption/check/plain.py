"""A sentence without the words that name no landform and no direction of the ground."""

from __future__ import annotations

import re

from tasks.caption.describer import Facts

SEA_LEVEL = re.compile(r"\b(?:(?:above|below|at|near|of)\s+)?(?:mean\s+)?sea[\s-]levels?\b", re.IGNORECASE)
ZONE = re.compile(r"\b(?:northern|southern)\s+(?:mid-latitudes?|subtropics|hemisphere)\b", re.IGNORECASE)


def plain(sentence: str, facts: Facts) -> str:
    """The sentence without `above sea level`, zones of latitude and the given name of the place (South Island)."""
    name = (facts.get("place") or {}).get("name", "")
    for part in filter(None, (part.strip() for part in name.split(","))):
        sentence = re.sub(re.escape(part), "…", sentence, flags=re.IGNORECASE)
    return ZONE.sub("…", SEA_LEVEL.sub("…", sentence))
