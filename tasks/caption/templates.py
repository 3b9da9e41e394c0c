"""Texts from fixed templates: the same key and facts always give the same words.

A template is an opening, which names the ground, and main clauses that add more facts. A part in [brackets] is left
out when its clause is unknown or dropped. An opening is a correct sentence without its optional parts. A hash of the
tile's key decides the template and the dropped clauses. Dropping teaches a model to follow short prompts too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from tasks.caption.describer import Caption, Facts
from tasks.caption.phrases import clauses
from tasks.caption.picture_texts import picture_text


@dataclass(frozen=True)
class Template:
    """One wording: the pattern of the first sentence, and main clauses for the second."""

    opening: str
    made_of: str
    slopes: str
    faces: str  # replaces `slopes` where only the direction is told
    lines: str
    water: str
    drains: str
    cover: str


OPTIONAL = ("relief", "elevation", "size", "zone", "spot", "landforms", "steepness", "aspect", "grain", "sea")
OPTIONAL += ("drains", "cover")

TEMPLATES = (
    Template(
        "{ground}[, with {relief} of relief][, {elevation}][, {spot}]",
        "the ground is made up mainly of {landforms}",
        "the slopes are mostly {steepness}[ and face mainly {aspect}]",
        "the slopes face mainly {aspect}",
        "contours run mainly {grain}",
        "the sea covers {sea} of it[, in the {sea_side}][, around {islands}]",
        "its water leaves to the {drains}",
        "the ground is {cover}",
    ),
    Template(
        "a landscape of {ground}[, {size} across][, {elevation}][, {zone}]",
        "most of it is made of {landforms}",
        "its slopes are {steepness} for the most part[ and look {aspect}]",
        "its slopes look {aspect} for the most part",
        "its grain runs {grain}",
        "{sea} of it is sea[, to the {sea_side}][, with {islands}]",
        "it drains {drains}",
        "it is {cover}",
    ),
    Template(
        "{ground}[ {zone}][, with {relief} between the lowest and the highest point][, {elevation}]",
        "{landforms} prevail",
        "most slopes are {steepness}[, falling towards the {aspect}]",
        "the ground falls mainly towards the {aspect}",
        "the land is grained {grain}",
        "water takes up {sea} of the square[, on its {sea_side}][, around {islands}]",
        "its streams flow out to the {drains}",
        "the land is {cover}",
    ),
    Template(
        "a stretch of {ground}[, {elevation}][, rising {relief} from its lowest point to its highest][, {spot}]",
        "it consists chiefly of {landforms}",
        "slopes are largely {steepness}[ and turned to the {aspect}]",
        "most slopes are turned to the {aspect}",
        "the relief is drawn out {grain}",
        "{sea} of the area lies under the sea[, towards the {sea_side}][, which surrounds {islands}]",
        "the water of the area gathers and runs off to the {drains}",
        "the cover is {cover}",
    ),
    Template(
        "a square of {ground}[, {size} wide][, with a height difference of {relief}][, {spot}]",
        "here one finds mostly {landforms}",
        "its slopes are mainly {steepness}[ and drop to the {aspect}]",
        "its slopes drop to the {aspect} in the main",
        "its longer lines run {grain}",
        "sea fills {sea} of the square[, in the {sea_side}][, with {islands}]",
        "much of its water runs off to the {drains}",
        "the ground has {cover}",
    ),
    Template(
        "{ground} seen from above[, {size} from side to side][, {elevation}][, with {relief} of relief]",
        "{landforms} account for most of the surface",
        "slopes are for the most part {steepness}[, with a lean to the {aspect}]",
        "the surface leans to the {aspect}",
        "landforms are aligned {grain}",
        "{sea} of the surface is sea[, to the {sea_side}][, around {islands}]",
        "most water flows off to the {drains}",
        "the surface is {cover}",
    ),
    Template(
        "[{relief} of relief in ]{ground}[, {elevation}][, {zone}]",
        "the main landforms are {landforms}",
        "most of the slopes are {steepness}[ and face {aspect}]",
        "most of the slopes face {aspect}",
        "the lie of the land runs {grain}",
        "{sea} is sea[, in the {sea_side}][, around {islands}]",
        "it drains towards the {drains}",
        "its cover is {cover}",
    ),
    Template(
        "an elevation model of {ground}[, {spot}][, {elevation}][, {size} across]",
        "{landforms} make up the greater part",
        "slopes are mainly {steepness}[, descending to the {aspect}]",
        "slopes descend mainly to the {aspect}",
        "contours mostly follow a line from {grain}",
        "the sea makes up {sea}[, to the {sea_side}][, and surrounds {islands}]",
        "drainage leaves it in the {drains}",
        "the cover consists of {cover}",
    ),
)


@dataclass(frozen=True)
class TemplateDescriber:
    """A `Describer` that needs no model. `drop_share` is the probability that an optional clause is left out."""

    drop_share: float

    def __call__(self, keys: Sequence[str], facts: Sequence[Facts]) -> list[Caption]:
        """One caption for each tile."""
        return [Caption(self.text(key, known)) for key, known in zip(keys, facts, strict=True)]

    def text(self, key: str, facts: Facts) -> str:
        """The text of one tile."""
        if "height" not in facts["layers"]:
            return picture_text(key, facts, self.drop_share)
        digest = blake2b(key.encode(), digest_size=1 + len(OPTIONAL)).digest()
        said = clauses(facts)
        for name, byte in zip(OPTIONAL, digest[1:], strict=True):
            if byte < self.drop_share * 256:
                said[name] = None
        template = TEMPLATES[digest[0] % len(TEMPLATES)]
        more = [
            _fill(template.made_of, said) if said["landforms"] else None,
            _slopes(template, said),
            _fill(template.lines, said) if said["grain"] else None,
            _fill(template.water, said) if said["sea"] else None,
            _fill(template.drains, said) if said["drains"] else None,
            _fill(template.cover, said) if said["cover"] else None,
        ]
        first, second = _sentence(_fill(template.opening, said)), _joined([clause for clause in more if clause])
        return f"{first} {_sentence(second)}" if second else first


def _slopes(template: Template, said: dict[str, str | None]) -> str | None:
    if said["steepness"]:
        return _fill(template.slopes, said)
    return _fill(template.faces, said) if said["aspect"] else None


def _fill(pattern: str, said: dict[str, str | None]) -> str:
    """Put clauses into a pattern. A [part] is left out when its clause is None."""

    def part(match: re.Match[str]) -> str:
        inner = match.group(1)
        name = inner[inner.index("{") + 1 : inner.index("}")]
        return inner if said[name] else ""

    return re.sub(r"\[([^\[\]]*)\]", part, pattern).format_map(said)


def _joined(main_clauses: list[str]) -> str:
    """Join main clauses as `A; B, and C.`"""
    if len(main_clauses) < 2:
        return "".join(main_clauses)
    return f"{'; '.join(main_clauses[:-1])}, and {main_clauses[-1]}"


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}." if words else ""
