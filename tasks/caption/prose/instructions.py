"""What the model is told: its task, the facts of the tile in words, and the form of its answer."""

from __future__ import annotations

from typing import Any

from tasks.caption.describer import Facts
from tasks.caption.phrases import elevation, number, size
from tasks.relief.geomorphons import NAMES

GROUND = (
    "You write captions for a dataset of landforms. You see one square of ground from above as a shaded relief: the "
    "heights are tinted from the lowest to the highest of the square, light comes from the north-west, north is up. "
    "Below are facts that were measured on this square. Describe the ground as a geomorphologist would, in one or two "
    "plain English sentences of at most forty words each: name its landforms, how they lie to each other, how steep "
    "and how high the ground is, and where it falls. Use the terms of geomorphology. Never speak of colours, shading, "
    "the picture or the map. Say nothing that contradicts the facts. Use no number that the facts do not give, and no "
    "direction that they contradict. Do not mention what heights cannot show, such as forest, snow, lakes, roads or "
    "houses, unless the facts name it. Name a place only if the facts name it, in English. If the facts say that the "
    "ground is computed, say that it is procedurally generated."
)
PICTURE = (
    "You write captions for a dataset of pictures of landscapes. You see one square of a picture. Below are facts that "
    "are known about it. Describe what it shows in one or two plain English sentences of at most forty words each, "
    "with the terms of physical geography where they fit. Use no number that the facts do not give. Name a place only "
    "if the facts name it, in English. If the facts say that the picture is computed, say that it is procedurally "
    "generated."
)
FORM = (
    "Answer with a JSON object: `sentences` has one or two whole sentences, `landforms` the landforms that they speak "
    "of, and `places` the names of places in them (an empty list if there is none)."
)
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "sentences": {"type": "array", "items": {"type": "string"}},
        "landforms": {"type": "array", "items": {"type": "string", "enum": [*NAMES, "coast", "other"]}},
        "places": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["sentences", "landforms", "places"],
    "additionalProperties": False,
}
"""JSON schema of the answer, in the part of the language that strict structured output knows."""

AGAIN_BYTES = 800
LEAST_SHARE = 0.03  # smaller shares are not told


def instructions(facts: Facts) -> str:
    """The task, for ground or for a picture."""
    return f"{GROUND if 'height' in facts['layers'] else PICTURE} {FORM}"


def told(facts: Facts) -> str:
    """The facts in words, one a line."""
    lines = [_origin(facts), _place(facts), _size(facts)]
    lines += _ground(facts) if "height" in facts["layers"] else _picture(facts)
    return "\n".join(line for line in lines if line)


def again(reasons: list[str]) -> str:
    """What the model is told after an answer that was rejected, in at most `AGAIN_BYTES`."""
    lines = "\n".join(f"- {one}" for one in reasons).encode()[: AGAIN_BYTES - 100].decode(errors="ignore")
    return f"Your last answer was rejected. Answer again without these faults:\n{lines}"


def _origin(facts: Facts) -> str | None:
    return "Origin: computed, not measured; it lies nowhere on Earth." if facts["procedural"] else None


def _place(facts: Facts) -> str | None:
    place = facts["place"]
    if not place:
        return None
    name = f"{'in' if place['name_exact'] else 'near'} {place['name']}, " if place.get("name") else ""
    return f"Place: {name}in {place['zone']}."


def _size(facts: Facts) -> str | None:
    across = size(facts["side_km"])
    return f"Side of the square: {across}." if across else None


def _ground(facts: Facts) -> list[str | None]:
    if "relief_m" not in facts:
        return ["Ground: open sea." if facts["sea_share"] else "Ground: unknown."]
    lines = [
        f"Ground: {facts['ground']}." if facts["ground"] else None,
        f"Heights: {elevation(facts)}; relief {number(facts['relief_m'])} m.",
    ]
    if facts.get("slope_shares"):
        lines.append(f"Slopes: {facts['slope_deg']:.0f}° on average; {_shares(facts['slope_shares'])}.")
        lines.append(_directions(facts))
    if facts.get("landforms"):
        lines.append(f"Landforms, as shares of the ground: {_shares(facts['landforms'])}.")
    if facts.get("drains_to"):
        lines.append(f"Drainage: water leaves to the {facts['drains_to']}.")
    if facts.get("closed_share", 0) >= LEAST_SHARE:
        lines.append(f"Closed hollows: {facts['closed_share']:.0%} of the ground.")
    if facts["sea_share"] >= 0.005:
        side = f", in the {facts['sea_side']}" if facts.get("sea_side") else ""
        lines.append(f"Sea: {facts['sea_share']:.0%} of the square{side}; islands: {facts.get('islands', 0)}.")
    return [*lines, _cover(facts)]


def _directions(facts: Facts) -> str:
    falls = f"to the {facts['aspect']}" if facts["aspect"] else "in no main direction"
    facing = {name: share for name, share in facts["aspect_shares"].items() if share >= 0.1}
    lines = f"; crests and valleys run {facts['grain']}" if facts["grain"] else ""
    return f"Directions: the ground as a whole falls {falls}{lines}; slopes face {_shares(facing) or 'nowhere'}."


def _picture(facts: Facts) -> list[str | None]:
    colors = [f"{one['color']} {one['share']:.0%}" for one in facts.get("palette", [])]
    stated = [f"{name}: {value}" for name, value in facts.get("stated", {}).items()]
    return [
        f"Subject: {facts['subject']}." if facts.get("subject") else None,
        _cover(facts),
        f"Colours: {', '.join(colors)}." if colors else None,
        f"The publisher says: {'; '.join(stated)}." if stated else None,
    ]


def _cover(facts: Facts) -> str | None:
    cover = {one["class"]: one["share"] for one in facts.get("cover", [])}
    return f"Land cover: {_shares(cover)}." if cover else None


def _shares(shares: dict[str, float]) -> str:
    known = sorted(shares.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} {share:.0%}" for name, share in known if share >= LEAST_SHARE)
