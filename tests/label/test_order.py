"""Numbers of classes and the number of classes stay when inputs change in their last bits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tasks.label.evidence import Evidence, best
from tasks.label.traits import levels, order

TABLE = pd.DataFrame(
    {
        "height": [0.0, 0.0, 512.5, 512.4999999, 1500.0, 0.5],
        "greenness": [0.02, 0.105, 0.1, 0.3, 0.0, 0.105],
        "slope": [0.0, 0.0, 3.0, 4.0, 20.0, 0.0],
        "brightness": [90.0, 120.0, 100.0, 110.0, 200.0, 80.0],
        "pixels": [10, 20, 30, 40, 50, 60],
    }
)


def test_height_orders_and_what_is_about_equal_is_ordered_by_the_next_key():
    assert order(TABLE).tolist() == [5, 1, 0, 3, 2, 4]


@pytest.mark.parametrize("seed", range(50))
def test_noise_in_the_last_bits_changes_no_order(seed):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(2, 15))
    table = pd.DataFrame(
        {
            "height": rng.choice([0.0, 0.5, 1.0, 10.5, *rng.uniform(0, 3000, 5)], count),
            "greenness": rng.choice([0.005, 0.015, 0.1, *rng.uniform(-0.1, 0.3, 5)], count),
            "slope": rng.choice([0.0, *rng.uniform(0, 30, 5)], count),
            "pixels": rng.permutation(count) + 5,
        }
    )
    first = order(table)
    assert sorted(first) == list(range(count))
    for _ in range(20):
        noisy = table.copy()
        for name in ("height", "greenness", "slope"):
            noisy[name] = table[name] * (1 + 1e-6 * rng.standard_normal(count)) + 1e-9 * rng.standard_normal(count)
        assert order(noisy).tolist() == first.tolist()


def test_gaps_near_the_margin_part_or_join_together():
    assert levels(np.array([0.0, 1.0, 2.0]), 1.0).tolist() in ([0, 0, 0], [0, 1, 2])
    assert levels(np.array([0.0, 0.1, 5.0]), 1.0).tolist() == [0, 0, 1]


def test_the_number_of_classes_does_not_hang_on_last_bits():
    rng = np.random.default_rng(3)
    known = [Evidence(6, 0.9, 0.41, 0.2), Evidence(7, 0.9, 0.41, 0.2), Evidence(8, 0.8, 0.5, 0.1)]
    for _ in range(50):
        noisy = [Evidence(one.k, *(np.array([one.stability, one.silhouette, one.dbcv]) + 1e-7 * rng.standard_normal(3)))
                 for one in known]  # fmt: skip
        assert best(noisy, 0.7).k == best(known, 0.7).k
