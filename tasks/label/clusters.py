"""The sample embedded, and its clusters: dense ones first, then one for every pixel.

UMAP unrolls what the features have in common, so that clusters are round enough for k-means. Its seed fixes
it (on one thread); neighbours are computed exactly beforehand, which leaves nothing to chance but the layout.
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
    from umap import UMAP  # seconds to import, and only fits need it

    neighbours = min(settings.neighbours, len(scaled) - 1)
    with threadpool_limits(1), warnings.catch_warnings():
        search = NearestNeighbors(n_neighbors=neighbours, algorithm="brute", n_jobs=1).fit(scaled)
        distance, index = search.kneighbors(scaled)
        layout = UMAP(
            n_neighbors=neighbours,
            n_components=settings.dimensions,
            n_epochs=settings.epochs,
            min_dist=0.0,  # for clusters, not for looking at: points may lie on each other
            random_state=seed,
            n_jobs=1,
            precomputed_knn=(index.astype(np.int32), distance.astype(np.float32)),
        )
        warnings.filterwarnings("ignore", "precomputed_knn", UserWarning)  # nothing will be added to this layout
        return layout.fit_transform(scaled).astype(np.float32)


def dense_clusters(points: np.ndarray, least_share: float) -> np.ndarray:
    """HDBSCAN labels (n,): 0 and up, -1 for noise.

    Args:
        least_share: of the points that make a cluster.
    """
    least = max(5, round(least_share * len(points)))
    with threadpool_limits(1):
        return HDBSCAN(min_cluster_size=least, min_samples=min(10, least), n_jobs=1, copy=True).fit_predict(points)


def partition(points: np.ndarray, dense: np.ndarray, k: int, seed: int) -> np.ndarray:
    """k-means labels (n,) 0..k-1 of all points, its centres found without the noise."""
    kept = points[dense >= 0] if (dense >= 0).sum() > 2 * k else points
    with threadpool_limits(1):  # on several threads sums come in any order
        return KMeans(k, n_init=10, random_state=seed).fit(kept).predict(points)
