"""Each distance against brute force and against cases with a known answer."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from tasks.evaluate.distances import (
    COVERAGE_K,
    LIMIT,
    PRECISION_K,
    Scale,
    directions,
    kernel_distance,
    neighbourhoods,
    sliced_wasserstein,
    wasserstein,
)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(11)


@pytest.mark.parametrize("sizes", [(40, 40), (40, 17), (3, 50), (1, 1)])
def test_wasserstein_is_exact_for_any_sizes(rng, sizes):
    a, b = rng.standard_normal((sizes[0], 5)), rng.gamma(2.0, size=(sizes[1], 5))
    expected = [stats.wasserstein_distance(a[:, i], b[:, i]) for i in range(5)]
    assert wasserstein(a, b) == pytest.approx(expected)


def test_wasserstein_of_known_cases(rng):
    a = rng.standard_normal((30, 3))
    assert wasserstein(a, a[::-1]) == pytest.approx(np.zeros(3), abs=1e-12)
    assert wasserstein(a, a + [1, -2, 0]) == pytest.approx([1, 2, 0], abs=1e-12)
    assert wasserstein(a, 3 * a) == pytest.approx(2 * np.abs(a).mean(axis=0))
    ties = np.zeros((4, 1)), np.array([[0.0], [0.0], [1.0], [1.0]])
    assert wasserstein(*ties) == pytest.approx([0.5])


def test_sliced_wasserstein_of_a_shift_is_its_mean_projection(rng):
    theta = directions(6, 4000)
    a, shift = rng.standard_normal((50, 6)), np.array([3.0, 0, 0, 0, 4, 0])
    # The mean of |cos| over the sphere in D dimensions is Γ(D/2) / (√π Γ((D+1)/2)).
    mean_cos = math.gamma(3) / (math.sqrt(math.pi) * math.gamma(3.5))
    assert sliced_wasserstein(a, a + shift, theta) == pytest.approx(5 * mean_cos, rel=0.03)
    assert sliced_wasserstein(a, a.repeat(3, axis=0), theta) == pytest.approx(0, abs=1e-12)


def test_directions_are_fixed_units():
    theta = directions(9, 64)
    assert np.linalg.norm(theta, axis=0) == pytest.approx(np.ones(64))
    assert np.array_equal(theta, directions(9, 64)) and not np.array_equal(theta, directions(9, 64, seed=1))
    assert np.array_equal(directions(1, 8) ** 2, np.ones((1, 8)))


def test_kernel_distance_is_the_unbiased_estimator(rng):
    a, b = rng.standard_normal((7, 3)), rng.standard_normal((5, 3)) + 0.5

    def k(x, y):
        return (sum(p * q for p, q in zip(x, y, strict=True)) / 3 + 1) ** 3

    within_a = sum(k(a[i], a[j]) for i in range(7) for j in range(7) if i != j) / (7 * 6)
    within_b = sum(k(b[i], b[j]) for i in range(5) for j in range(5) if i != j) / (5 * 4)
    across = sum(k(x, y) for x in a for y in b) / 35
    assert kernel_distance(a, b) == pytest.approx(within_a + within_b - 2 * across)


def test_kernel_distance_of_equals_is_zero_on_average(rng):
    values = np.array([kernel_distance(*rng.standard_normal((2, 20, 4))) for _ in range(600)])
    assert abs(values.mean()) < 4 * values.std() / np.sqrt(600)
    assert (values < 0).any()
    assert kernel_distance(rng.standard_normal((20, 4)), rng.standard_normal((20, 4)) + 2) > values.max()


def test_neighbourhoods_against_loops(rng):
    real, fake = rng.standard_normal((25, 3)), 0.7 * rng.standard_normal((19, 3)) + 0.4

    def radius(rows, i, k):
        return sorted(np.linalg.norm(rows[i] - row) for j, row in enumerate(rows) if j != i)[k - 1]

    def inside(point, rows, k):
        return [np.linalg.norm(point - row) <= radius(rows, i, k) for i, row in enumerate(rows)]

    expected = {
        "precision": np.mean([any(inside(point, real, PRECISION_K)) for point in fake]),
        "recall": np.mean([any(inside(point, fake, PRECISION_K)) for point in real]),
        "density": np.mean([sum(inside(point, real, COVERAGE_K)) for point in fake]) / COVERAGE_K,
        "coverage": np.mean(np.any([inside(point, real, COVERAGE_K) for point in fake], axis=0)),
    }
    assert neighbourhoods(real, fake) == pytest.approx(expected)


def test_neighbourhoods_of_known_cases(rng):
    real = rng.standard_normal((200, 2))
    far = neighbourhoods(real, real + 100)
    assert far == {"precision": 0, "recall": 0, "density": 0, "coverage": 0}
    collapsed = neighbourhoods(real, real[:1] + 1e-3 * rng.standard_normal((200, 2)))
    assert collapsed["precision"] > 0.99 and collapsed["recall"] < 0.05 and collapsed["coverage"] < 0.2
    with pytest.raises(ValueError, match="more than 5 rows"):
        neighbourhoods(real[:5], real)


def test_density_and_coverage_of_equals_have_their_expectation(rng):
    n = m = 60
    found = [neighbourhoods(rng.standard_normal((n, 3)), rng.standard_normal((m, 3))) for _ in range(60)]
    # Each generated point is the next nearest of n + m - 1 others with equal chance.
    missed = math.prod((n - i) / (n + m - i) for i in range(1, COVERAGE_K + 1))
    assert np.mean([f["density"] for f in found]) == pytest.approx(1, abs=0.06)
    assert np.mean([f["coverage"] for f in found]) == pytest.approx(1 - missed, abs=0.02)


def test_scale_is_robust_and_never_zero(rng):
    real = np.column_stack([rng.normal(5, 2, 4000), np.zeros(4000), np.zeros(4000)])
    real[:20, 2] = 1
    scale = Scale.fit(real)
    assert scale.centre[0] == pytest.approx(5, abs=0.15) and scale.spread[0] == pytest.approx(2, rel=0.05)
    assert scale.spread[1] == 1 and 0 < scale.spread[2] < 0.1
    spoiled = real.copy()
    spoiled[:40, 0] = 100
    assert Scale.fit(spoiled).centre[0] == pytest.approx(scale.centre[0], abs=0.1)
    assert np.abs(scale.apply(real * 1e9)).max() == LIMIT
