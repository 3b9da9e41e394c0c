"""Evidence for the number of classes: three measures for every k, and the choice by all three."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata
from sklearn.metrics import adjusted_rand_score, silhouette_score
from threadpoolctl import threadpool_limits

from tasks.label.clusters import dense_clusters, embed, partition
from tasks.label.params import Choice, Embedding
from tasks.label.traits import levels
from tasks.label.validity import dbcv

EQUAL = 0.002  # replicates of a measure differ by more than this, so a smaller difference is not significant
COMPARED = 2000  # points for silhouette and DBCV, which compare all pairs


@dataclass(frozen=True)
class Evidence:
    """Measures for one k: stability under resampling, silhouette, DBCV. All are at most 1; higher is better."""

    k: int
    stability: float
    silhouette: float
    dbcv: float


def weigh(
    scaled: np.ndarray, points: np.ndarray, dense: np.ndarray, ks: list[int], embedding: Embedding, choice: Choice,
    seed: int, rng: np.random.Generator,
) -> list[Evidence]:  # fmt: skip
    """The three measures for each of `ks`.

    Stability is the mean adjusted Rand index between the clusters of the whole sample and the clusters of a random
    half, on the pixels of that half. The half is embedded again with another seed, so stability covers randomness of
    both the sample and the layout.
    """
    whole = {k: partition(points, dense, k, seed) for k in ks}
    agreed: dict[int, list[float]] = {k: [] for k in ks}
    for replicate in range(choice.replicates):
        half = np.sort(rng.choice(len(scaled), len(scaled) // 2, replace=False))
        again = embed(scaled[half], embedding, seed + 1 + replicate)
        dense_again = dense_clusters(again, choice.least_cluster)
        for k in ks:
            labels = partition(again, dense_again, k, seed + 1 + replicate)
            agreed[k].append(adjusted_rand_score(whole[k][half], labels))
    few = np.sort(rng.choice(len(points), min(COMPARED, len(points)), replace=False))
    with threadpool_limits(1):
        return [
            Evidence(
                k,
                float(np.mean(agreed[k])),
                _silhouette(points[few], whole[k][few]),
                dbcv(points[few], whole[k][few]),
            )
            for k in ks
        ]


def _silhouette(points: np.ndarray, labels: np.ndarray) -> float:
    """Rousseeuw's silhouette; -1 where all compared points are in one cluster."""
    return float(silhouette_score(points, labels)) if len(np.unique(labels)) > 1 else -1.0


def best(evidence: list[Evidence], least_stability: float) -> Evidence:
    """The stable k with the best mean rank in the three measures; of equal ones, the larger.

    Measures that differ by less than about `EQUAL` share a rank. Where no k is stable enough, the most stable is taken.
    """
    stable = [one for one in evidence if one.stability >= least_stability]
    if not stable:
        return max(evidence, key=lambda one: one.stability)
    measures = [np.array([getattr(one, name) for one in stable]) for name in ("stability", "silhouette", "dbcv")]
    ranks = sum(rankdata(levels(measure, EQUAL)) for measure in measures)
    return max(zip(stable, ranks, strict=True), key=lambda pair: (pair[1], pair[0].k))[0]
