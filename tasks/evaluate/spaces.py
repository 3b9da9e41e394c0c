"""Spaces of features in which sets of tiles are compared, beside the plain descriptors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tasks.evaluate.account import Measure
from tasks.evaluate.distances import KERNEL_LIMIT, kernel_distance, neighbourhoods
from tasks.evaluate.fid import frechet

SHARES = ("precision", "recall", "density", "coverage")


@dataclass(frozen=True)
class Space:
    """Features of a network.

    Attributes:
        measures: the six columns of `score`, under their names in `metrics.json`.
        embed: tiles to features, float64 (N, F).
        scaled: whether each feature is divided by its spread over the training tiles. FID and KID are defined without.
        leads: whether the first measure, a Fréchet distance, gives the headline; if not, plain descriptors do.
        note: a sentence about the network for the page, without its full stop.
        facts: what identifies the network, for `details`.
    """

    measures: tuple[Measure, ...]
    embed: Callable[[np.ndarray], np.ndarray]
    scaled: bool
    leads: bool
    note: str
    facts: dict[str, Any] = field(default_factory=dict)

    def rows(self, tiles: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Features of all sets, (N, F); the set `train` gives the scale."""
        found = {name: self.embed(part) for name, part in tiles.items()}
        if not self.scaled:
            return found
        centre, spread = found["train"].mean(axis=0), found["train"].std(axis=0)
        spread = np.where(spread > 1e-6, spread, 1.0)
        return {name: (part - centre) / spread for name, part in found.items()}

    def score(self, reference: np.ndarray, other: np.ndarray) -> np.ndarray:
        """The six numbers of two sets of rows. Scaled features give the Fréchet distance of one feature on average."""
        near = neighbourhoods(reference, other)
        if not self.scaled:
            return np.array([frechet(other, reference), kernel_distance(other, reference), *(near[n] for n in SHARES)])
        kernel = kernel_distance(*(np.clip(part, -KERNEL_LIMIT, KERNEL_LIMIT) for part in (other, reference)))
        return np.array([frechet(other, reference) / reference.shape[1], kernel, *(near[name] for name in SHARES)])


def named(prefix: str, title: str) -> tuple[Measure, ...]:
    """Measures in the space of a network that is no Inception. The words FID and KID are left to Inception."""
    distances = [Measure(f"{prefix}_{key}", f"{title} {word}", "lower") for key, word in _DISTANCES.items()]
    return (*distances, *(Measure(f"{prefix}_{share}", f"{title} {share}", "higher") for share in SHARES))


_DISTANCES = {"frechet": "Fréchet", "kernel": "kernel"}
INCEPTION = (
    Measure("fid", "FID", "lower"),
    Measure("kid", "KID", "lower"),
    *(Measure(share, share, "higher") for share in SHARES),
)
