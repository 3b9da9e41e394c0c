"""Variety and repetition, on pictures where they are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.evaluate.painting.variety import pairwise, repetition


def test_pairs():
    assert pairwise(np.zeros((3, 4, 4, 3), np.uint8)) == 0
    assert pairwise(np.stack([np.zeros((4, 4)), np.full((4, 4), 10.0)])) == pytest.approx(10)


@given(st.integers(9, 30), st.integers(0, 5))
def test_a_pattern_that_repeats_is_found_at_any_period(period, seed):
    tile = np.random.default_rng(seed).normal(size=(period, period))
    assert repetition(np.tile(tile, (8, 8))[:128, :128]) > 0.95


@given(st.integers(0, 20))
def test_noise_does_not_repeat(seed):
    assert repetition(np.random.default_rng(seed).normal(size=(96, 96))) < 0.15


def test_a_slope_is_no_repetition_and_one_value_is():
    y, x = np.mgrid[:64, :64]
    noise = np.random.default_rng(1).normal(size=(64, 64))
    assert repetition(3.0 * x + y + noise) < 0.2
    assert repetition(np.full((64, 64), 7.0)) == 1
