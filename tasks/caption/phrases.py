"""Clauses: each says one fact in words, or is None where the fact is unknown.

Limits that turn shares into words are here; those of landforms and slopes are in `tasks.relief.landform_classes`.
"""

from __future__ import annotations

import math

from tasks.caption.describer import Facts
from tasks.formats.tables.hues import is_hue
from tasks.relief.landform_classes import COAST, RELIEF_LIMITS, SLOPE_CLASSES

GATHERS = 0.25  # the least catchment, as a share of the tile, whose outlet is told
COVER_LEAST, COVER_MOST = 0.08, 3  # classes with smaller shares are not told, and at most so many are
MOSTLY = 0.6  # a share of at least this is "mostly"
FRACTIONS = ((0.15, "a tenth"), (0.22, "a fifth"), (0.29, "a quarter"), (0.41, "a third"), (0.58, "half"))
FRACTIONS += ((0.71, "two thirds"), (0.85, "three quarters"), (1.1, "nine tenths"))
STEEPNESS = {
    "level": "level ground",
    "gentle": "gently sloping ground",
    "moderate": "sloping ground",
    "steep": "steep ground",
    "very steep": "very steep ground",
}
SLOPES = {"level": "very gentle", **{name: name for name, _ in SLOPE_CLASSES[1:]}}
PLURALS = {
    "flat": "level ground",
    "peak": "peaks",
    "ridge": "ridges",
    "shoulder": "shoulders",
    "spur": "spurs",
    "slope": "open slopes",
    "hollow": "hollows",
    "footslope": "footslopes",
    "valley": "valleys",
    "pit": "pits",
}
LOW = {"peak": "low rises", "ridge": "low ridges", "valley": "shallow valleys", "pit": "shallow pits"}


def clauses(facts: Facts) -> dict[str, str | None]:
    """All clauses by name; `ground` is never None."""
    return {
        "ground": ground(facts),
        "relief": relief(facts),
        "elevation": elevation(facts),
        "size": size(facts["side_km"]),
        "zone": f"in {facts['place']['zone']}" if facts["place"] else None,
        "spot": where(facts["place"]) if facts["place"] else None,
        "landforms": landforms(facts),
        "steepness": steepness(facts),
        "aspect": facts.get("aspect"),
        "grain": facts.get("grain"),
        "sea": sea(facts),
        "sea_side": facts.get("sea_side"),
        "islands": islands(facts.get("islands", 0)),
        "drains": drains(facts),
        "cover": cover(facts),
    }


def ground(facts: Facts) -> str:
    """The content of the tile as a noun phrase, which marks procedural terrain."""
    made = "procedurally generated " if facts["procedural"] else ""
    if "height" not in facts["layers"]:
        if subject := facts.get("subject"):
            return f"{_article(made or subject)} {made}{subject}"
        return f"a {made}georeferenced image" if facts["side_km"] else f"a {made}picture of unknown place and scale"
    if "relief_m" not in facts:
        return made + ("open sea" if facts["sea_share"] > 0 else "ground without any known height")
    name = facts["ground"]
    if name is None:
        shares = facts.get("slope_shares")
        name = STEEPNESS[max(shares, key=shares.__getitem__)] if shares else "ground"
    if facts["sea_share"] >= 0.5:
        return f"{made}sea beside {name}"
    return f"{made}{name} by the sea" if facts["sea_share"] >= COAST else made + name


def relief(facts: Facts) -> str | None:
    """Highest minus lowest height; None below a metre."""
    metres = facts.get("relief_m", 0)
    return f"about {number(metres)} m" if metres >= 1 else None


def elevation(facts: Facts) -> str | None:
    """Lowest to highest ground relative to sea level, rounded to steps that suit the relief."""
    if "elevation_m" not in facts:
        return None
    step = max(1, 10 ** math.floor(math.log10(max(facts["relief_m"], 1)) - 1))
    low, high = (int(round(facts["elevation_m"][end] / step) * step) for end in ("lowest", "highest"))
    if low == high == 0:
        return "about at sea level"
    if low == high:
        return f"about {abs(low):,} m {'above' if low > 0 else 'below'} sea level"
    if low >= 0:
        return f"{low:,} to {high:,} m above sea level"
    if high <= 0:
        return f"{-high:,} to {-low:,} m below sea level"
    return f"from {-low:,} m below to {high:,} m above sea level"


def size(side_km: float | None) -> str | None:
    """Length of the tile's side."""
    if side_km is None:
        return None
    return f"about {number(side_km)} km" if side_km >= 1 else f"about {number(side_km * 1000)} m"


def where(place: Facts) -> str:
    """The name of the place where it has one, else its whole degrees; with the preposition."""
    if name := place.get("name"):
        return f"{'in' if place['name_exact'] else 'near'} {name}"
    return f"near {spot(place)}"


def spot(place: Facts) -> str:
    """Centre in whole degrees."""
    lat, lon = round(place["lat"]), round(place["lon"])
    return f"{abs(lat)}°{_side(lat, ' N', ' S')}, {abs(lon)}°{_side(lon, ' E', ' W')}"


def landforms(facts: Facts) -> str | None:
    """The dominant landforms as a list, most common first; None where they cover less than half of the ground."""
    names = facts.get("dominant", [])
    if not names or sum(facts["landforms"][name] for name in names) < 0.5:
        return None
    plain = facts["relief_m"] < RELIEF_LIMITS[1]  # a ridge on a plain is not a mountain ridge
    words = [LOW.get(name, PLURALS[name]) if plain else PLURALS[name] for name in names]
    return listed(words)


def steepness(facts: Facts) -> str | None:
    """The slope class, or two neighbouring classes, of most of the ground; None where slopes are mixed."""
    shares = facts.get("slope_shares")
    if not shares:
        return None
    names = [name for name, _ in SLOPE_CLASSES]
    best = max(names, key=shares.__getitem__)
    if shares[best] >= MOSTLY:
        return SLOPES[best]
    pairs = list(zip(names, names[1:], strict=False))
    low, high = max(pairs, key=lambda pair: shares[pair[0]] + shares[pair[1]])
    return f"{SLOPES[low]} to {SLOPES[high]}" if shares[low] + shares[high] >= MOSTLY else None


def sea(facts: Facts) -> str | None:
    """Share of the tile that is sea, where there is a coast."""
    share = facts.get("sea_share", 0)
    if share < COAST or "relief_m" not in facts:
        return None
    return next(f"about {words}" for limit, words in FRACTIONS if share < limit)


def islands(count: int) -> str | None:
    """Bodies of land with sea all around."""
    return None if not count else "an island" if count == 1 else f"{count} islands"


def drains(facts: Facts) -> str | None:
    """Where the water leaves, if one valley or slope gathers much of it."""
    return facts.get("drains_to") if facts.get("largest_catchment", 0) >= GATHERS else None


def told_cover(facts: Facts) -> list[Facts]:
    """The classes that a text names, the largest first. `pale grey` is the name of a class that nobody knows yet."""
    known = [one for one in facts.get("cover", []) if not is_hue(one["class"])]
    return [one for one in known if one["share"] >= COVER_LEAST][:COVER_MOST]


def cover(facts: Facts) -> str | None:
    """Land cover with its shares: `about half meadow, a third forest and a tenth water`; None without labels."""
    told = told_cover(facts)
    if not told:
        return None
    if told[0]["share"] >= 0.9:
        return f"almost only {told[0]['class']}"
    words = [next(words for limit, words in FRACTIONS if one["share"] < limit) for one in told]
    return "about " + listed([f"{share} {one['class']}" for share, one in zip(words, told, strict=True)])


def listed(words: list[str]) -> str:
    """`a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def number(value: float) -> str:
    """Two significant digits, with commas: 1,900; 620; 5.8."""
    if value <= 0:
        return "0"
    digits = 1 - math.floor(math.log10(value))
    rounded = round(value, digits)
    return f"{rounded:,.0f}" if rounded >= 10 else f"{rounded:g}"


def _article(words: str) -> str:
    return "an" if words[0].lower() in "aeiou" else "a"


def _side(degrees: int, positive: str, negative: str) -> str:
    return positive if degrees > 0 else negative if degrees < 0 else ""
