"""Distances between two sets of descriptor vectors. Rows are tiles, columns are standardised descriptors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist

LIMIT = 10.0
"""Standardised values are clipped at this many scales, so that one extreme tile cannot dominate a distance."""

KERNEL_LIMIT = 3.0
"""Limit for the cubic kernel. The kernel cubes its argument. With a limit of ten scales a few tiles decide the value,
and the interval of the floor becomes wider than the distance of the noise."""

PRECISION_K, COVERAGE_K = 3, 5
"""Neighbours that set the radius of a ball, as in Kynkäänniemi et al. 2019 and in Naeem et al. 2020."""


@dataclass(frozen=True)
class Scale:
    """Centre and spread of each descriptor over the real training tiles."""

    centre: np.ndarray
    spread: np.ndarray

    @classmethod
    def fit(cls, real: np.ndarray) -> Scale:
        """Median and interquartile range over 1.349, which is the standard deviation of a Gaussian.

        If most tiles agree, the range is close to zero (example: the share of level ground among mountains).
        The spread is then half the standard deviation. If all tiles agree, the spread is 1 in the descriptor's
        own unit. Descriptors are logarithms, shares and ratios, for which 1 is large.
        """
        low, centre, high = np.quantile(real, (0.25, 0.5, 0.75), axis=0)
        spread = np.maximum((high - low) / 1.349, real.std(axis=0) / 2)
        return cls(centre, np.where(spread > 1e-9, spread, 1.0))

    def apply(self, matrix: np.ndarray) -> np.ndarray:
        """Standardised copy, clipped at ±`LIMIT`."""
        return np.clip((matrix - self.centre) / self.spread, -LIMIT, LIMIT)


def wasserstein(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """1-D Wasserstein distance of order 1, column by column: ∫ |F_a(x) - F_b(x)| dx, exact for any two sizes.

    Args:
        a: (N, D). b: (M, D).

    Returns:
        (D,) in the columns' units.
    """
    both = np.concatenate([a, b])
    order = np.argsort(both, axis=0, kind="stable")
    step = np.where(order < len(a), 1 / len(a), -1 / len(b))
    gap = np.diff(np.take_along_axis(both, order, axis=0), axis=0)
    return (np.abs(np.cumsum(step, axis=0)[:-1]) * gap).sum(axis=0)


def directions(dimensions: int, count: int, seed: int = 0) -> np.ndarray:
    """`count` unit vectors, uniform on the sphere, as columns (D, count). Equal seeds give equal vectors."""
    vectors = np.random.default_rng([seed, dimensions]).standard_normal((dimensions, count))
    return vectors / np.linalg.norm(vectors, axis=0)


def sliced_wasserstein(a: np.ndarray, b: np.ndarray, theta: np.ndarray) -> float:
    """Mean of `wasserstein` over the directions `theta` (Bonneel et al. 2015; of order 1).

    The distance between finite samples of one distribution is above zero and falls like n^-1/2. Compare only
    values at one sample size. A shift of all rows by a vector v gives |v| times the mean of |cos|, about
    |v| sqrt(2 / (π D)), in D dimensions.
    """
    return float(wasserstein(a @ theta, b @ theta).mean())


def kernel_distance(a: np.ndarray, b: np.ndarray) -> float:
    """KID on descriptors: unbiased squared MMD. For equal distributions its mean is zero, and it may be negative.

    The estimator is equation 3 of Gretton et al. 2012, with the cubic kernel k(x, y) = (x·y / D + 1)³ of
    Bińkowski et al. 2018.
    """
    n, m = len(a), len(b)
    aa, bb, ab = (_cubic(*pair) for pair in ((a, a), (b, b), (a, b)))
    within = (aa.sum() - np.trace(aa)) / (n * (n - 1)) + (bb.sum() - np.trace(bb)) / (m * (m - 1))
    return float(within - 2 * ab.mean())


def _cubic(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (x @ y.T / x.shape[1] + 1) ** 3


def neighbourhoods(real: np.ndarray, generated: np.ndarray) -> dict[str, float]:
    """Precision, recall, density and coverage; all four are better when larger.

    The ball of a row reaches to its k-th neighbour in its own set. Precision is the share of generated rows
    within the ball of a real row. Recall is the share of real rows within the ball of a generated row
    (Kynkäänniemi et al. 2019, equations 1 and 2). Density is the mean number of real balls that hold a generated
    row, divided by k; it may exceed 1. Coverage is the share of real rows with a generated row in their ball
    (Naeem et al. 2020, section 3). The balls shrink as sets grow, so compare only at one sample size.

    Raises:
        ValueError: a set has no k-th neighbour.
    """
    if min(len(real), len(generated)) <= COVERAGE_K:
        raise ValueError(f"neighbourhoods: need more than {COVERAGE_K} rows, got {len(real)} and {len(generated)}")
    between = cdist(real, generated)
    radius_real, radius_generated = np.sort(cdist(real, real), axis=1), np.sort(cdist(generated, generated), axis=1)
    # Column 0 of a sorted row is the row itself, so column k is its k-th neighbour.
    near_real = between <= radius_real[:, PRECISION_K, None]
    near_generated = between <= radius_generated[None, :, PRECISION_K]
    wide = between <= radius_real[:, COVERAGE_K, None]
    return {
        "precision": float(near_real.any(axis=0).mean()),
        "recall": float(near_generated.any(axis=1).mean()),
        "density": float(wide.sum(axis=0).mean() / COVERAGE_K),
        "coverage": float(wide.any(axis=1).mean()),
    }
