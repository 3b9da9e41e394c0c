"""The figures of `evaluate`, put into words that claim no more than the intervals allow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

MEASURES = {  # name → (heading, whether smaller is better)
    "swd": ("sliced Wasserstein", True),
    "w1": ("1-D Wasserstein", True),
    "kid": ("KID", True),
    "fid": ("FID", True),
    "precision": ("precision", False),
    "recall": ("recall", False),
    "density": ("density", False),
    "coverage": ("coverage", False),
}
NAMES = {
    "floor_halves": "held-out tiles, other half",
    "floor_train": "training tiles",
    "control_noise": "fractal noise of the same spectrum",
    "control_noise_tile": "noise with each tile's own spectrum",
    "control_blur": "blurred real tiles",
    "control_blocks": "block-shuffled real tiles",
    "control_shuffle": "pixel-shuffled real tiles",
}


@dataclass(frozen=True)
class Row:
    """One line of the table: `cells` by measure are {mean, low, high}, or None where there is no such figure."""

    name: str
    kind: str
    cells: list[dict[str, float] | None]


@dataclass(frozen=True)
class Scores:
    """What the page shows of an evaluation."""

    headings: list[str]
    arrows: list[str]
    rows: list[Row]
    findings: list[str]
    cautions: list[str]
    memorisation: list[str]
    size: int
    fid_note: str


def read_scores(result: dict[str, Any]) -> Scores:
    """The view of `evaluation/metrics.json`."""
    sets = {name: dict(values) for name, values in result["sets"].items()}
    for name, values in result["fid"].get("sets", {}).items():
        sets[name]["fid"] = values
    measures = [name for name in MEASURES if any(name in values for values in sets.values())]
    kinds = ("generated", "floor", "control")
    order = sorted(sets, key=lambda name: (kinds.index(kind(name)), sets[name]["swd"]["mean"], name))
    return Scores(
        headings=[MEASURES[name][0] for name in measures],
        arrows=["smaller is closer" if MEASURES[name][1] else "larger is better" for name in measures],
        rows=[Row(title(name), kind(name), [sets[name].get(measure) for measure in measures]) for name in order],
        findings=[finding(sets, name) for name in order if kind(name) == "generated"],
        cautions=cautions(result["worse_than_floor"]),
        memorisation=[memorised(name, values) for name, values in result["memorisation"].items()],
        size=result["sample_size"],
        fid_note=result["fid"]["note"],
    )


def kind(name: str) -> str:
    """floor, control or generated."""
    return next((word for word in ("floor", "control") if name.startswith(f"{word}_")), "generated")


def title(name: str) -> str:
    """What a set is called on the page."""
    if name.startswith("steps") and name[5:].isdigit():
        return f"model, {name[5:]} step{'' if name[5:] == '1' else 's'}"
    return NAMES.get(name, name.replace("_", " "))


def finding(sets: dict[str, Any], name: str) -> str:
    """One sentence or two on a generated set: which controls it beats, which it does not, and how far the floor is.

    Two sets differ only where their 95 % intervals do not touch.
    """
    own, floor = sets[name]["swd"], sets["floor_train"]["swd"]
    places: dict[str, list[str]] = {"beats": [], "level with": [], "worse than": []}
    for other, values in sets.items():
        if kind(other) == "control":
            control = values["swd"]
            place = "beats" if own["high"] < control["low"] else "worse than" if own["low"] > control["high"] else ""
            places[place or "level with"].append(title(other))
    words = [f"{verb} {_and(names)}" for verb, names in places.items() if names and verb == "beats"]
    words += [f"is {verb} {_and(names)}" for verb, names in places.items() if names and verb != "beats"]
    head = f"{title(name)[:1].upper()}{title(name)[1:]}: by sliced Wasserstein distance it {_and(words)}."
    if own["low"] <= floor["high"]:
        return f"{head} At this sample size it cannot be told from training tiles."
    ratio = own["mean"] / max(floor["mean"], 1e-12)
    return f"{head} It is still {ratio:.1f} times as far from held-out terrain as training tiles are."


def cautions(worse_than_floor: dict[str, dict[str, bool]]) -> list[str]:
    """Where measures fail to call controls bad, they say little here, and the page says so."""
    blind: dict[str, list[str]] = {}
    for measure, controls in worse_than_floor.items():
        missed = [title(name) for name, worse in controls.items() if not worse]
        if missed:
            blind.setdefault(_and(missed), []).append(MEASURES.get(measure, (measure,))[0])
    return [f"{_and(measures)} cannot tell {missed} from real terrain" for missed, measures in blind.items()]


def memorised(name: str, values: dict[str, Any]) -> str:
    """What the search for training tiles among the samples found."""
    copies = values["copies"]
    found = {0: "No sample looks like a copy of a training tile", 1: "1 sample looks like a copy of a training tile"}
    head = found.get(copies, f"{copies} samples look like copies of training tiles")
    return (
        f"{title(name)[:1].upper()}{title(name)[1:]}: {head[0].lower()}{head[1:]}. Samples lie {values['ratio']:.2f} "
        f"times as far from their nearest training tile as held-out tiles do (well below 1 would mean repetition); "
        f"{100 * values['suspicious_share']:.1f} % lie closer than all but {100 * values['expected_share']:.0f} % of "
        "held-out tiles."
    )


def _and(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
