"""All distances of generated tiles to held-out tiles, beside the floors and the controls.

`compare` takes plain arrays and knows no stage and no product: the descriptors and controls come with the medium.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tasks.evaluate.account import Measure
from tasks.evaluate.distances import (
    KERNEL_LIMIT,
    Scale,
    directions,
    kernel_distance,
    neighbourhoods,
    sliced_wasserstein,
    wasserstein,
)
from tasks.evaluate.floors import interval, resample, sample_size
from tasks.evaluate.medium import Medium
from tasks.evaluate.spaces import SHARES

MEASURES = [
    Measure("swd", "sliced Wasserstein", "lower"),
    Measure("w1", "1-D Wasserstein", "lower"),
    Measure("kid", "KID", "lower"),
    Measure("precision", "precision", "higher"),
    Measure("recall", "recall", "higher"),
    Measure("density", "density", "higher"),
    Measure("coverage", "coverage", "higher"),
]
"""Columns of the scores; the headline's column is first. Descriptors are the input of KID and of the four shares."""
STATISTICS = MEASURES[:2]
"""Measures of descriptors beside those of a network."""
CERTAIN = 0.975  # a verdict needs at least this share of draws


@dataclass(frozen=True)
class Comparison:
    """Result of `compare`.

    Attributes:
        numbers: the entries of `metrics.json`, see `compare`.
        names: the descriptors. matrices: their values, (N, D), for `val`, `train`, each control and each generated set.
        controls: the controls' tiles, in the order of the held-out tiles.
    """

    numbers: dict[str, Any]
    names: list[str]
    matrices: dict[str, np.ndarray]
    controls: dict[str, np.ndarray]


def measures_of(medium: Medium) -> list[Measure]:
    """Columns of the scores of a medium; the headline's column is first."""
    if medium.space is None:
        return MEASURES
    own = list(medium.space.measures)
    return [*own, *STATISTICS] if medium.space.leads else [*STATISTICS, *own]


def compare(
    real_train: np.ndarray,
    real_val: np.ndarray,
    generated: dict[str, np.ndarray],
    medium: Medium,
    *,
    projections: int,
    bootstrap: int,
    seed: int,
) -> Comparison:
    """Compare sets of tiles with held-out ones.

    Args:
        real_train, real_val: (N, S, S[, 3]), no voids. The training tiles set each descriptor's scale.
        generated: arrays of the same shape by name; may be empty.
        projections: directions of the sliced Wasserstein distance. bootstrap: number of draws.

    Returns:
        `Comparison`; its numbers have
        `sample_size`: tiles on either side of each comparison;
        `sets`: an entry for `floor_halves`, `floor_train`, each `control_*` and every generated name. It has
        mean, low and high (95 % of the draws) of each of `measures_of`, and `w1_by_descriptor`, means over the draws;
        `worse_share`: by measure and control, the share of draws in which the control is worse than both floors;
        `worse_than_floor`: whether that share is at least 97.5 % (if not, the measure cannot tell such tiles
        from real ones at this sample size);
        `below_noise`: by generated set, the share of draws in which its first measure is below that of the
        medium's baseline.

    Raises:
        LandloomError: too few tiles.
    """
    sample_size(len(real_val), train=len(real_train), **{name: len(tiles) for name, tiles in generated.items()})
    bad, measures, space = medium.controls(real_val, seed), measures_of(medium), medium.space
    matrices, names = {}, []
    sets = {"val": real_val, "train": real_train, **{f"control_{name}": tiles for name, tiles in bad.items()}}
    sets |= generated
    for name, tiles in sets.items():
        matrices[name], names = medium.describe(tiles)
    scale = Scale.fit(matrices["train"])
    rows = {name: scale.apply(matrix) for name, matrix in matrices.items()}
    theta, width = directions(len(names), projections), 0
    if space is not None:
        embedded = space.rows(sets)
        width = embedded["val"].shape[1]
        rows = {name: np.concatenate([embedded[name], own], axis=1) for name, own in rows.items()}

    def score(reference: np.ndarray, other: np.ndarray) -> np.ndarray:
        one, two = reference[:, width:], other[:, width:]
        each = wasserstein(two, one)
        statistics = sliced_wasserstein(two, one, theta), each.mean()
        if space is not None:
            inside = space.score(reference[:, :width], other[:, :width])
            return np.array([*inside, *statistics, *each] if space.leads else [*statistics, *inside, *each])
        near = neighbourhoods(one, two)
        kid = kernel_distance(*(np.clip(part, -KERNEL_LIMIT, KERNEL_LIMIT) for part in (two, one)))
        return np.array([*statistics, kid, *(near[name] for name in SHARES), *each])

    paired = {name: rows[f"control_{name}"] for name in bad}
    free = {}
    if medium.repeats:
        # Training tiles, because a copy of a held-out tile could be compared with itself.
        few = min(medium.repeats, len(real_train), len(real_val) // 6)
        again = np.sort(np.arange(len(real_val)) % max(few, 1))
        bad["collapse"], matrices["control_collapse"] = real_train[again], matrices["train"][again]
        free["control_collapse"] = rows["train"][again]
    free |= {name: rows[name] for name in generated}
    draws = resample(score, rows["val"], rows["train"], paired, free, bootstrap, seed)
    numbers = {
        "descriptors": names,
        "sample_size": sample_size(len(real_val), train=len(real_train), **{k: len(v) for k, v in generated.items()}),
        "tiles": {"val": len(real_val), "train": len(real_train), **{k: len(v) for k, v in generated.items()}},
        "sets": {name: _summary(scores, measures, names) for name, scores in draws.items()},
    }
    share = numbers["worse_share"] = _worse_share(draws, measures)
    numbers["worse_than_floor"] = {
        measure: {name: value >= CERTAIN for name, value in shares.items()} for measure, shares in share.items()
    }
    numbers["below_noise"] = {
        name: float((draws[name][:, 0] < draws[f"control_{medium.baseline}"][:, 0]).mean()) for name in generated
    }
    return Comparison(numbers, names, matrices, bad)


def _summary(scores: np.ndarray, measures: list[Measure], names: list[str]) -> dict[str, Any]:
    """Mean, low and high by measure, and means by descriptor, of scores (draws, measures and descriptors)."""
    out: dict[str, Any] = {each.name: interval(scores[:, column]) for column, each in enumerate(measures)}
    means = scores[:, len(measures) :].mean(axis=0)
    out["w1_by_descriptor"] = {name: float(mean) for name, mean in zip(names, means, strict=True)}
    return out


def _worse_share(draws: dict[str, np.ndarray], measures: list[Measure]) -> dict[str, dict[str, float]]:
    """Share of draws in which a control is worse than both floors.

    The comparison is draw by draw. All sets of a draw share one reference, so the chance error of the reference
    cancels.
    """
    out: dict[str, dict[str, float]] = {}
    for column, measure in enumerate(measures):
        sign = -1 if measure.better == "higher" else 1
        floor = np.maximum(sign * draws["floor_halves"][:, column], sign * draws["floor_train"][:, column])
        out[measure.name] = {
            name: float((sign * scores[:, column] > floor).mean())
            for name, scores in draws.items()
            if name.startswith("control_")
        }
    return out
