"""Rows of samples: every text with every strength of guidance, each with the same other conditions and noise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tasks.generate.product import Facts
from tasks.generate.steering.kind import Given, Layer
from tasks.generate.terrain.place import Place

NOISE = Given(None, "noise", {})
"""The value of a row for which nothing was given. The seed alone decides its samples."""


@dataclass(frozen=True)
class Row:
    """Samples that differ only in their noise.

    Attributes:
        title: what was asked, for the sheet. names: name of each sample; sample i has the index i of the seed.
        conditions: name to the condition of every sample of the row.
        facts: entries of the sidecar. layers: files of each sample. place: where on Earth they lie, or None.
    """

    title: str
    names: list[str]
    seed: int
    conditions: dict[str, Any]
    guidance: float
    facts: Facts
    layers: tuple[Layer, ...]
    place: Place | None


def stem_of(given: Mapping[str, list[Given]]) -> str:
    """The name of the folder: that of the first text or file, and how many more texts there are; `noise` for none."""
    first = _first(given)
    return first[0].stem + (f"-and-{len(first) - 1}-more" if len(first) > 1 else "")


def rows(
    given: Mapping[str, list[Given]], conditions: Mapping[str, str], guidance: Sequence[float], count: int, seed: int
) -> list[Row]:
    """All rows, texts outside and guidance inside.

    Args:
        given: by the name of the kind, at most one of them with several values. conditions: kind to its condition.
        count: samples of a row.
    """
    name, several = next(((name, each) for name, each in given.items() if len(each) > 1), (None, [None]))
    found, used = [], Counter()
    for one in several:
        chosen = {kind: one if kind == name else values[0] for kind, values in given.items()}
        stem = (one or _first(given)[0]).stem
        used[stem] += 1
        if used[stem] > 1:  # two texts can have one name, because a name keeps neither signs nor the end of a text
            stem = f"{stem}-{used[stem]}"
        strengths = guidance if "text" in chosen else [1.0]  # it is the strength of words
        for strength in strengths:
            full = stem + (f"-g{strength:g}" if len(strengths) > 1 else "")
            single = count == 1 and len(several) * len(strengths) == 1
            facts = {key: value for each in chosen.values() for key, value in each.facts.items()}
            found.append(
                Row(
                    title=_title(chosen, strength if len(strengths) > 1 else None),
                    names=[full if single else f"{full}_{index:03d}" for index in range(count)],
                    seed=seed,
                    conditions={conditions[kind]: each.value for kind, each in chosen.items()},
                    guidance=strength,
                    facts=facts | ({"guidance": strength} if "text" in chosen else {}),
                    layers=tuple(layer for each in chosen.values() for layer in each.layers),
                    place=next((each.place for each in chosen.values() if each.place is not None), None),
                )
            )
    return found


def _first(given: Mapping[str, list[Given]]) -> list[Given]:
    """The values that name the samples: texts, or else those of the first kind."""
    return given.get("text") or next(iter(given.values()), [NOISE])


def _title(chosen: Mapping[str, Given], guidance: float | None) -> str:
    told = [_told(kind, each) for kind, each in chosen.items()]
    return ", ".join([*(told or ["nothing asked"]), *([] if guidance is None else [f"guidance {guidance:g}"])])


def _told(kind: str, given: Given) -> str:
    if not isinstance(given.value, str):
        return f"{kind} {given.stem}"
    return f"“{given.value}”" if given.value else "no words"
