"""Embed the sample and cluster it: first dense clusters, then a cluster for every pixel.

UMAP flattens the manifold of the features, so that clusters are round enough for k-means. With one thread, a seed
fixes the result. Neighbours are computed exactly before, so only the layout is random.
"""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.cluster import HDBSCAN, KMeans
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

from tasks.label.params import Embedding


def embed(scaled: np.ndarray, settings: Embedding, seed: int) -> np.ndarray:
    """UMAP coordinates, float32 (n, dimensions), of scaled features (n, F); the same for the same seed."""
    from umap import UMAP  # the import takes seconds, and only fits need it

    neighbours = min(settings.neighbours, len(scaled) - 1)
    with threadpool_limits(1), warnings.catch_warnings():
        search = NearestNeighbors(n_neighbors=neighbours, algorithm="brute", n_jobs=1).fit(scaled)
        distance, index = search.kneighbors(scaled)
        layout = UMAP(
            n_neighbors=neighbours,
            n_components=settings.dimensions,
            n_epochs=settings.epochs,
            min_dist=0.0,  # the embedding serves clusters and not pictures: points may coincide
            random_state=seed,
            n_jobs=1,
            precomputed_knn=(index.astype(np.int32), distance.astype(np.float32)),
        )
        warnings.filterwarnings("ignore", "precomputed_knn", UserWarning)  # no points are added to this layout later
        return layout.fit_transform(scaled).astype(np.float32)


def dense_clusters(points: np.ndarray, least_share: float) -> np.ndarray:
    """HDBSCAN labels (n,): from 0, and -1 for noise.

    Args:
        least_share: smallest share of the points that forms a cluster.
    """
    least = max(5, round(least_share * len(points)))
    with threadpool_limits(1):
        return HDBSCAN(min_cluster_size=least, min_samples=min(10, least), n_jobs=1, copy=True).fit_predict(points)


def partition(points: np.ndarray, dense: np.ndarray, k: int, seed: int) -> np.ndarray:
    """k-means labels (n,) 0..k-1 of all points. Centres are fitted without noise."""
    kept = points[dense >= 0] if (dense >= 0).sum() > 2 * k else points
    with threadpool_limits(1):  # the order of sums varies with several threads
        return KMeans(k, n_init=10, random_state=seed).fit(kept).predict(points)
