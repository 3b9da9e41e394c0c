"""Whether numbers are computed from heights: steepness, roughness, shades or curvature, without a name that says so.

The measure is the mean squared difference of two pixels, D(d), as a function of their distance d. Of ground it grows as
d^2H with H from 0.5 to 1 over all distances here, and noise adds the same at every distance; so on logarithmic axes
the curve is straight or bends upwards. What is computed from a pixel's neighbours is smooth over one or two pixels and
forgets soon after: the curve begins steeply and bends downwards. Ground of a few pixels' extent (houses, dunes) bends
downwards too, so the shape of the distribution decides as well.

The weights are those of a logistic regression, rounded; `python -m tests.benchmarks layers` counts what they find.
"""

from __future__ import annotations

import numpy as np

_SIDE = 1024  # pixels along a side of what is looked at in a block
_BLOCKS = 8  # blocks at most
_STEPS = (1, 2, 8, 16, 32, 64)  # distances in pixels
_ENOUGH = 2000  # pairs at the largest distance below which nothing is said
_BEYOND = 1e6  # neither heights nor what is computed from them
_STEEPEST = 1000.0  # no slope in percent and no roughness in metres is higher; maps of whole continents are
_SAMPLE = 40_000  # values of a block from which its distribution is known


class Derived:
    """Differences and values of a sample of a raster's blocks."""

    def __init__(self) -> None:
        self._blocks = 0
        self._sums = np.zeros((len(_STEPS), 2, 2))  # of each distance, across and down: squared differences, pairs
        self._values: list[np.ndarray] = []
        self._low, self._high = np.inf, -np.inf

    def add(self, block: np.ndarray, void: np.ndarray) -> None:
        """Look at one block (H, W); `void` is true where it has no value."""
        if self._blocks >= _BLOCKS or void.all():
            return
        self._blocks += 1
        known = ~void[:_SIDE, :_SIDE]
        part = np.where(known, block[:_SIDE, :_SIDE], np.nan).astype(np.float32)
        part[np.abs(part) > _BEYOND] = np.nan
        for number, step in enumerate(_STEPS):
            for way, (one, other) in enumerate(((part[:, step:], part[:, :-step]), (part[step:], part[:-step]))):
                square = np.square(one - other)
                there = np.isfinite(square)
                self._sums[number, way] += square.sum(where=there, dtype=np.float64), there.sum()
        values = part[np.isfinite(part)]
        if values.size:
            self._low, self._high = min(self._low, float(values.min())), max(self._high, float(values.max()))
            self._values.append(values[:: max(1, values.size // _SAMPLE)])

    def measures(self) -> dict[str, float] | None:
        """What the scores are made of; None where too little is known, or nearly all values are one."""
        sums = self._sums.sum(axis=1)
        if not self._values or sums[-1, 1] < _ENOUGH:
            return None
        values = np.concatenate(self._values).astype(np.float64)
        middle, deviation = values.mean(), values.std()
        levels, counts = np.unique(values, return_counts=True)
        if deviation == 0 or counts.max() > 0.95 * values.size or (sums[:, 0] == 0).any():
            return None
        growth = dict(zip(_STEPS, np.log(sums[:, 0] / sums[:, 1]), strict=True))
        quarter, half, most = np.percentile(values, (25, 50, 98))
        span = max(most - self._low, 1e-9)
        return {
            "short": growth[2] - growth[1],
            "middle": growth[8] - growth[1],
            "long": growth[32] - growth[8],
            "far": max(growth[64] - growth[16], 0.0),
            "quarter": (quarter - self._low) / span,
            "half": (half - self._low) / span,
            "most": most,
            "skew": float(np.mean(((values - middle) / deviation) ** 3)),
            "centre": half / deviation,
        }

    def problem(self) -> tuple[str | None, str | None]:
        """Return two sentences' ends: why the values are no heights for sure, and why they may be none.

        At most one of the two is a text; both are None if nothing speaks against heights. The caller refuses a raster
        for the first, and warns for the second.
        """
        found = self.measures()
        if found is None:
            return None, None
        kinds = {"slopes or roughness": self._steep(found), "a hillshade": self._shaded(found)}
        kind, score = max(kinds.items(), key=lambda item: item[1])
        told = f"its values follow each other as those of {kind} do, which programs compute from heights"
        if score >= 1:
            return told, None
        if score < 0 and self._curved(found):
            score, told = 0, told.replace(kind, "curvatures or heights above a mean")
        return None, told if score >= 0 else None

    # Scores: from 0 on what is more likely computed than not, from 1 on what no elevation was found to reach by far.

    def _steep(self, found: dict[str, float]) -> float:
        level = 0 <= self._low <= 0.03 * found["most"]  # some place is level
        if not _forgets(found, 2.75) or not level or self._high > _STEEPEST:
            return -1.0
        score = 0.242 + found["short"] - 0.45 * found["middle"] - 0.186 * found["far"] - 0.575 * found["quarter"]
        return score / 0.076

    def _shaded(self, found: dict[str, float]) -> float:
        if not _forgets(found, 2.9) or self._low < 0 or self._high > 256:
            return -1.0
        score = found["short"] - 1.139 * found["long"] + 0.184 * found["half"] - 0.119 * found["skew"] - 0.355
        return score / 0.35 if self._high > 1 else 1 + score  # ground that keeps within one metre is rare by itself

    def _curved(self, found: dict[str, float]) -> bool:
        return self._low < 0 < self._high and abs(found["centre"]) < 0.3 and found["far"] < 0.08 and found["middle"] < 1


def _forgets(found: dict[str, float], most: float) -> bool:
    """Whether the curve goes on to rise, but not far: regular waves fall again, and smooth ground rises by 4."""
    return found["short"] > 0.15 and found["short"] + 0.05 < found["middle"] < most and found["long"] > -0.05
