"""Words: the samples are what a sentence says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasks.generate.steering.kind import Given, Kind
from tasks.generate.steering.pictures import stem
from tasks.generate.steering.words import notes, unknown

SHORT = 60  # characters of a name


def _read(model: Any, text: str, others: Mapping[str, str | None]) -> Given:
    text = " ".join(text.split())
    strange = unknown(model, text)
    facts = {"text": text, "unknown_words": ", ".join(strange)}
    return Given(text, stem(text[:SHORT]) or "no_words", facts, tuple(notes(text, strange)))


KIND = Kind(
    condition="text",
    metavar="WORDS",
    help="make what these words say; may be repeated, one row of the sheet for each",
    read=_read,
    many=True,
)
