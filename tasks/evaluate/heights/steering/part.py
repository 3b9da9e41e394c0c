"""What is measured of one condition, and the table in which it is told."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from tasks.evaluate.account import Better, Metric
from tasks.relief.landform_classes import KINDS

Z = 1.96  # standard deviations of a normal distribution that hold 95 %
ALL, OTHER = "all", "another tile's"


@dataclass(frozen=True)
class Held:
    """Held-out tiles that steer the model.

    Attributes:
        heights: float32 (n, px, px) metres without voids. captions: n texts, empty where a tile has none.
        facts: of each tile, see `tasks.relief.ground_facts`. kinds: of each tile, see `tasks.relief.landform_classes`.
    """

    heights: np.ndarray
    captions: list[str]
    facts: list[dict[str, Any]]
    kinds: list[str]


@dataclass(frozen=True)
class Task:
    """Input of the measurement of one condition.

    Attributes:
        held: held-out tiles. gsd: metres a pixel. coarse_px: the model's side of the blocks of `coarse`, or None.
        sample: (conditions, guidance=1) to heights. Conditions have one entry for each held-out tile; sample i has the
            index i of the stage's seed.
        rng: (purpose) to a random generator that depends only on the stage's seed and the purpose.
        guidance: strength of guidance for samples of words.
    """

    held: Held
    gsd: float
    coarse_px: int | None
    sample: Callable[..., np.ndarray]
    rng: Callable[[str], np.random.Generator]
    guidance: float


@dataclass(frozen=True)
class Part:
    """What was measured.

    Attributes:
        title: heading of its group. text: sentences about how it was measured. metrics: the averages.
        table: rows for people: averages and results by kind of terrain. details: every number.
        finding: one sentence. picture: (text, figure), or None.
    """

    title: str
    text: list[str]
    metrics: list[Metric]
    table: list[dict[str, Any]]
    details: dict[str, Any]
    finding: str
    picture: tuple[str, Figure] | None = None


@dataclass(frozen=True)
class Answer:
    """Values of one question, one for each held-out tile; NaN where the question does not apply.

    Attributes:
        title: the question, for people. generated: of the generated tiles. control: against what another tile gave;
            None without such a control. real: of the held-out tiles themselves.
        share: whether values are 0 or 1, so that a mean is a share.
    """

    title: str
    generated: np.ndarray
    control: np.ndarray | None
    real: np.ndarray | None
    better: Better = "higher"
    share: bool = True


def others(inputs: Sequence[Hashable], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """For each tile another one, at random, whose input is another one; and whether that could be had (n,) bool.

    Each tile is taken once. Where more than half of all inputs are equal, some of these cannot get another one.
    """
    groups: dict[Hashable, list[int]] = {}
    for index in rng.permutation(len(inputs)):
        groups.setdefault(inputs[index], []).append(int(index))
    order = np.array([index for group in groups.values() for index in group], int)
    # Equal inputs lie side by side, so a step as long as their longest row leaves every row.
    place = np.empty(len(order), int)
    place[order] = np.roll(order, max(map(len, groups.values()), default=0))
    return place, np.array([inputs[index] != inputs[other] for index, other in enumerate(place)], bool)


def means(values: np.ndarray, kinds: Sequence[str]) -> dict[str, float | None]:
    """Mean over all tiles and by kind of terrain; None where no value is known."""
    groups = {ALL: np.ones(len(values), bool)} | {kind: np.array([one == kind for one in kinds]) for kind in KINDS}
    found = {name: values[mask & np.isfinite(values)] for name, mask in groups.items()}
    return {name: float(part.mean()) if len(part) else None for name, part in found.items()}


def interval(values: np.ndarray, share: bool) -> tuple[float, float]:
    """95 % interval of a mean: Wilson's (1927) for shares, the normal one for other values."""
    values = values[np.isfinite(values)]
    n, mean = len(values), float(values.mean())
    if not share:
        half = Z * float(values.std()) / np.sqrt(n)
        return mean - half, mean + half
    middle = (mean + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * np.sqrt(mean * (1 - mean) / n + Z**2 / (4 * n**2))
    return float(middle - half), float(middle + half)


def summarise(
    name: str, answers: Mapping[str, Answer], kinds: Sequence[str]
) -> tuple[list[Metric], list[dict[str, Any]], dict[str, Any]]:
    """Metrics, table and details of the answers of one condition. Questions that no tile answers are left out."""
    metrics, table, details = [], [], {}
    for key, answer in answers.items():
        known = np.isfinite(answer.generated)
        if not known.any():
            continue
        sets = {"generated": answer.generated, "control": answer.control, "real": answer.real}
        found = {which: means(values, kinds) for which, values in sets.items() if values is not None}
        counts = means_count(known, kinds)
        details[key] = {**found, "counts": counts}
        low, high = interval(answer.generated, answer.share)
        metrics.append(
            Metric(
                f"steering_{name}/{key}",
                answer.title,
                found["generated"][ALL],
                low,
                high,
                found["real"][ALL] if "real" in found else None,
                answer.better,
                f"steering_{name}",
            )
        )
        own = f"{_told(metrics[-1].value, answer.share)} ({_told(low, answer.share)} to {_told(high, answer.share)})"
        row = {"question": answer.title, "tiles": counts[ALL], "generated": own}
        for which, title in (("control", OTHER), ("real", "real tiles")):
            row[title] = _told(found[which][ALL] if which in found else None, answer.share)
        for kind in KINDS:
            row[kind] = _told(found["generated"][kind], answer.share)
        table.append(row)
    return metrics, table, details


def means_count(known: np.ndarray, kinds: Sequence[str]) -> dict[str, int]:
    """Number of tiles that answer a question: all, and by kind."""
    by_kind = {kind: int(sum(bool(k) and one == kind for k, one in zip(known, kinds, strict=True))) for kind in KINDS}
    return {ALL: int(known.sum()), **by_kind}


def _told(value: float | None, share: bool) -> str:
    if value is None:
        return "–"
    return f"{100 * value:.0f} %" if share else f"{value:.3g}"
