"""Sentences about the numbers of a comparison; they claim only facts that the intervals support."""

from __future__ import annotations

from typing import Any

from tasks.evaluate.account import Measure, TileSet


def finding(sets: dict[str, Any], named: dict[str, TileSet], measure: Measure, name: str, noun: str) -> str:
    """One or two sentences about a generated set: controls that it beats, the other controls, distance to the floor.

    Two sets differ only if their 95 % intervals do not touch. Lower values of `measure` must be better.
    """
    own, floor = sets[name][measure.name], sets["floor_train"][measure.name]
    places: dict[str, list[str]] = {"beats": [], "level with": [], "worse than": []}
    for other, values in sets.items():
        if named[other].kind == "control":
            control = values[measure.name]
            place = "beats" if own["high"] < control["low"] else "worse than" if own["low"] > control["high"] else ""
            places[place or "level with"].append(named[other].title)
    words = [f"{verb} {join(names)}" for verb, names in places.items() if names and verb == "beats"]
    words += [f"is {verb} {join(names)}" for verb, names in places.items() if names and verb != "beats"]
    head = f"{capital(named[name].title)}: by {measure.title} distance it {join(words)}."
    if own["low"] <= floor["high"]:
        return f"{head} At this sample size it cannot be told from training tiles."
    ratio = own["mean"] / max(floor["mean"], 1e-12)
    return f"{head} It is still {ratio:.1f} times as far from held-out {noun} as training tiles are."


def cautions(
    worse_than_floor: dict[str, dict[str, bool]], named: dict[str, TileSet], measures: list[Measure], noun: str
) -> list[str]:
    """One sentence for each set of missed controls. A measure that misses a bad control says little here."""
    titles = {measure.name: measure.title for measure in measures}
    blind: dict[str, list[str]] = {}
    for measure, controls in worse_than_floor.items():
        missed = [named[name].title for name, worse in controls.items() if not worse]
        if missed:
            blind.setdefault(join(missed), []).append(titles[measure])
    return [f"{join(measures)} cannot tell {missed} from real {noun}" for missed, measures in blind.items()]


def memorised(title: str, values: dict[str, Any]) -> str:
    """Sentences about the result of the search for training tiles among the samples."""
    copies = values["copies"]
    found = {0: "no sample looks like a copy of a training tile", 1: "1 sample looks like a copy of a training tile"}
    head = found.get(copies, f"{copies} samples look like copies of training tiles")
    return (
        f"{capital(title)}: {head}. Samples lie {values['ratio']:.2f} "
        f"times as far from their nearest training tile as held-out tiles do (well below 1 would mean repetition); "
        f"{100 * values['suspicious_share']:.1f} % lie closer than all but {100 * values['expected_share']:.0f} % of "
        "held-out tiles."
    )


def capital(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]


def join(words: list[str]) -> str:
    """Join words as "a, b and c"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
