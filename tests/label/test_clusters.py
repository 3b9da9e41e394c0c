"""The sample is even, DBCV distinguishes clusters from cuts, the criteria choose the number of classes."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.label.evidence import Evidence, best
from tasks.label.params import Sample
from tasks.label.sample import choose, strata
from tasks.label.validity import dbcv


def test_rare_ground_is_drawn_like_common_ground():
    rng = np.random.default_rng(0)
    groups = np.repeat([0, 1, 2], [5000, 200, 60])
    chosen = choose(rng.normal(size=(len(groups), 5)) * 3, groups, 150, rng)
    assert len(chosen) == 150 and (np.bincount(groups[chosen]) == 50).all()
    assert (np.diff(chosen) > 0).all()


def test_copies_are_thinned():
    scaled = np.concatenate([np.zeros((1000, 4)), np.random.default_rng(0).normal(size=(100, 4)) * 3])
    chosen = choose(scaled, np.zeros(1100, np.int64), 1100, np.random.default_rng(1))
    assert (chosen < 1000).sum() == 3 and (chosen >= 1000).sum() == 100


def test_strata_follow_height_and_slope_or_else_colour():
    sample = Sample(pixels=200, per_tile=5, elevation_m=(100.0,), slope_deg=(5.0,))
    steep = np.log1p(100 * np.tan(np.radians([1.0, 10.0, 1.0, 10.0])))
    planes = np.stack([np.log1p([50.0, 50.0, 500.0, 500.0]), steep], axis=1).astype(np.float32)
    assert len(set(strata(planes, ["height", "slope"], np.array(["a"] * 4), sample))) == 4
    assert len(set(strata(planes[[0, 0]], ["height", "slope"], np.array(["a", "b"]), sample))) == 2
    green = np.linspace(-1, 1, 50, dtype=np.float32)[:, None]
    assert len(set(strata(green, ["excess_green"], np.array(["a"] * 50), sample))) == 5


def test_dbcv_of_clusters_and_of_a_cut_through_one():
    rng = np.random.default_rng(2)
    blobs = np.concatenate([rng.normal(size=(150, 3)), rng.normal(size=(150, 3)) + 20])
    sides = np.repeat([0, 1], 150)
    apart, cut = dbcv(blobs, sides), dbcv(blobs[:150], (blobs[:150, 0] > 0).astype(int))
    assert apart > 0.6 and cut < 0
    assert dbcv(1000 * blobs, sides) == pytest.approx(apart, abs=1e-6)  # no unit
    turn = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    ring = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    rings = np.concatenate([ring, 3 * ring]) + rng.normal(0, 0.01, (400, 2))
    assert dbcv(rings, np.repeat([0, 1], 200)) > 0.3  # clusters that are not convex
    assert dbcv(blobs, np.zeros(300, int)) == -1


def test_the_number_with_the_best_ranks_among_the_stable():
    table = [Evidence(4, 0.95, 0.5, 0.1), Evidence(5, 0.9, 0.6, 0.3), Evidence(6, 0.5, 0.9, 0.9)]
    assert best(table, 0.8).k == 5
    assert best(table, 0.2).k == 6
    assert best(table, 0.99).k == 4  # none is stable: take the most stable
    assert best([Evidence(4, 0.9, 0.5, 0.2), Evidence(5, 0.9, 0.5, 0.2)], 0.0).k == 5  # of equal ones, take the larger
