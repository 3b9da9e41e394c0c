"""Samples of one size, halves that never meet, and draws that do not depend on who else is there."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.core.errors import LandloomError
from tasks.evaluate.floors import LEAST, interval, resample, sample_size


def rows(start: int, count: int) -> np.ndarray:
    """Rows that say which they are."""
    return np.arange(start, start + count, dtype=float)[:, None]


def test_every_comparison_has_one_size_and_no_tile_meets_itself():
    seen = []

    def score(reference, other):
        seen.append((reference[:, 0], other[:, 0]))
        return np.array([other.mean()])

    val, paired = rows(0, 41), {"noise": rows(1000, 41)}
    out = resample(score, val, rows(100, 90), paired, {"steps1": rows(200, 30)}, count=3, seed=5)
    assert list(out) == ["floor_halves", "floor_train", "control_noise", "steps1"]
    assert all(values.shape == (3, 1) for values in out.values())
    for reference, other in seen:
        assert len(reference) == len(other) == 20
        assert len(set(reference)) == len(set(other)) == 20
        assert not set(reference) & set(other)
        assert not set(reference) & set(other - 1000)  # a control is never set against its own original
    halves, controls = [other for _, other in seen[0::4]], [other for _, other in seen[2::4]]
    assert all(np.array_equal(control - 1000, half) for control, half in zip(controls, halves, strict=True))
    assert len({tuple(reference) for reference, _ in seen}) == 3


def test_a_set_more_or_less_changes_no_other():
    def score(reference, other):
        return np.array([reference.sum(), other.sum()])

    few = resample(score, rows(0, 40), rows(0, 60), {}, {}, 4, 1)
    more = resample(score, rows(0, 40), rows(0, 60), {"blur": rows(0, 40)}, {"a": rows(0, 33)}, 4, 1)
    assert all(np.array_equal(few[name], more[name]) for name in few)
    other_seed = resample(score, rows(0, 40), rows(0, 60), {}, {}, 4, 2)
    assert not np.array_equal(few["floor_train"], other_seed["floor_train"])


def test_the_smallest_set_decides_the_size():
    assert sample_size(100, train=1000, steps1=64) == 50
    assert sample_size(100, train=1000, steps1=20) == 20


@pytest.mark.parametrize(
    ("val", "others", "words"),
    [
        (2 * LEAST - 1, {"train": 100}, f"val split has {2 * LEAST - 1} whole tiles.*take {2 * LEAST}"),
        (100, {"train": 3}, "train has 3 whole tiles"),
    ],
)
def test_too_few_tiles_are_refused_with_the_number_needed(val, others, words):
    with pytest.raises(LandloomError, match=words):
        sample_size(val, **others)


def test_the_interval_holds_the_middle():
    value = interval(np.arange(1001.0))
    assert value == {"mean": 500, "low": 25, "high": 975}


def test_half_samples_spread_like_the_mean_of_the_whole():
    """The reason to draw halves without replacement: the spread over draws is the mean's own standard error."""
    val = np.random.default_rng(3).standard_normal((400, 1))
    out = resample(lambda reference, other: other.mean(axis=0), val, val, {}, {}, 800, 1)
    assert out["floor_halves"].std() == pytest.approx(val.std() / np.sqrt(400), rel=0.1)
