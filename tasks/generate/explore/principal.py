"""Principal directions of many points: exact, from the eigenvectors of their covariance."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Principal:
    """Directions by the variance along them, largest first.

    Attributes:
        mean: (d,). directions: (d, d), unit vectors in rows; the largest component of each is positive.
        deviations: (d,), the standard deviation along each. shares: (d,), of the whole variance.
    """

    mean: np.ndarray
    directions: np.ndarray
    deviations: np.ndarray
    shares: np.ndarray


def principal(chunks: Iterable[np.ndarray]) -> Principal:
    """Directions of all points (n, d) in the chunks, float64.

    Raises:
        ValueError: there are fewer than 2 points, or they are all the same.
    """
    count, total, products, shift = 0, 0.0, 0.0, None
    for chunk in chunks:
        points = chunk.astype(np.float64)
        shift = points[0] if shift is None else shift  # subtracted, so that a large mean costs no precision
        points = points - shift
        count, total, products = count + len(points), total + points.sum(axis=0), products + points.T @ points
    if count < 2:
        raise ValueError(f"principal directions need 2 points or more, not {count}")
    mean = total / count
    covariance = (products - count * np.outer(mean, mean)) / (count - 1)
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    values, vectors = np.clip(values[::-1], 0, None), vectors[:, ::-1].T
    if not values.sum() > 0:
        raise ValueError("all points of the latent space are the same")
    largest = np.abs(vectors).argmax(axis=1)
    vectors = vectors * np.sign(vectors[np.arange(len(vectors)), largest])[:, None]
    return Principal(shift + mean, vectors, np.sqrt(values), values / values.sum())
