"""DBCV compares the density inside clusters with the density between them (Moulavi et al. 2014, SDM,
"Density-based clustering validation"). Unlike the silhouette it does not prefer round clusters."""

from __future__ import annotations

import numpy as np
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial.distance import cdist


def dbcv(points: np.ndarray, labels: np.ndarray) -> float:
    """DBCV index from -1 (gaps are denser than clusters) to 1 (dense clusters and empty gaps).

    Args:
        points: (n, D), a few thousand at most, because all pairs are compared.
        labels: (n,) whole numbers; clusters of fewer than three points count as noise. The index is -1 where fewer than
            two clusters are left.
    """
    names, counts = np.unique(labels, return_counts=True)
    names = names[counts >= 3]
    if len(names) < 2:
        return -1.0
    members = [points[labels == name].astype(np.float64) for name in names]
    within = [_tree(group) for group in members]
    sparse = np.array([sparseness for sparseness, _, _ in within])
    gap = np.full(len(names), np.inf)
    for one in range(len(names)):
        for other in range(one):
            reach = _reach(within[one], within[other])
            gap[one], gap[other] = min(gap[one], reach), min(gap[other], reach)
    validity = (gap - sparse) / np.maximum(gap, sparse)  # eq. 4
    return float(sum(len(group) * value for group, value in zip(members, validity, strict=True)) / len(points))  # eq. 5


def _tree(group: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Density sparseness, inner points and their core distances of one cluster."""
    distance = np.maximum(cdist(group, group), 1e-9)
    np.fill_diagonal(distance, np.inf)
    dimensions = group.shape[1]
    nearest = distance.min()  # factored out before the power and multiplied back after it, to avoid overflow
    power = ((nearest / distance) ** dimensions).sum(axis=1) / (len(group) - 1)
    core = nearest * power ** (-1 / dimensions)  # eq. 1: all-points core distance
    mutual = np.maximum(distance, np.maximum(core[:, None], core))  # eq. 2
    np.fill_diagonal(mutual, 0)
    tree = minimum_spanning_tree(mutual).tocoo()
    degree = np.bincount(np.concatenate([tree.row, tree.col]), minlength=len(group))
    inner = degree > 1
    if not inner.any():
        inner[:] = True
    edges = inner[tree.row] & inner[tree.col]
    sparseness = float((tree.data[edges] if edges.any() else tree.data).max())
    return sparseness, group[inner], core[inner]


def _reach(one: tuple[float, np.ndarray, np.ndarray], other: tuple[float, np.ndarray, np.ndarray]) -> float:
    """Density separation: the smallest mutual reachability between inner points of two clusters."""
    mutual = np.maximum(cdist(one[1], other[1]), np.maximum(one[2][:, None], other[2]))
    return float(mutual.min())
