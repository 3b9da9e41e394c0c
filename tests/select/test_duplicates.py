"""Near-duplicates: equal to a check of every pair, fast, and plains are not duplicates."""

from __future__ import annotations

import time

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tasks.select.duplicates import SAME_LEVEL, SAME_SPREAD, near_duplicates
from tasks.select.phash import hash_area, window_hashes
from tasks.select.windows import Axis
from tests.select.small import fractal


def hashed(heights, stride=None):
    px = heights.shape[0]
    axis = Axis(np.array([0]), px, stride or px)
    return int(window_hashes(np.asarray(heights, np.float32), axis, axis)[0])


def differing(a, b):
    return (a ^ b).bit_count()


@given(
    base=hnp.arrays(np.uint64, st.integers(1, 60)),
    flips=st.lists(st.tuples(st.integers(0, 59), st.integers(0, 63)), max_size=60),
    spread=st.sampled_from([0.0, 10.0, 10.5, 20.0]),
    bits=st.integers(0, 12),
    seed=st.integers(0, 99),
)
def test_same_as_comparing_every_pair(base, flips, spread, bits, seed):
    rng = np.random.default_rng(seed)
    hashes = base[rng.integers(0, len(base), 60)]  # many near-equal ones
    for tile, bit in flips:
        hashes[tile] ^= np.uint64(1) << np.uint64(bit)
    spreads = rng.choice([spread, 10.0], 60)
    levels = rng.choice([0.0, 0.3, 100.0], 60)
    kept = []
    for tile, found in enumerate(near_duplicates(hashes, levels, spreads, bits)):
        alike = [
            other
            for other in kept
            if differing(int(hashes[tile]), int(hashes[other])) <= bits
            and abs(levels[tile] - levels[other]) <= SAME_LEVEL * max(spreads[tile], spreads[other])
            and abs(spreads[tile] - spreads[other]) <= SAME_SPREAD * max(spreads[tile], spreads[other])
        ]
        if alike:
            assert found in alike
        else:
            assert found == -1
            kept.append(tile)


def test_a_hundred_thousand_tiles_take_no_time_and_a_planted_one_is_found():
    rng = np.random.default_rng(0)
    hashes = rng.integers(0, 2**64, 100_000, dtype=np.uint64)
    hashes[99_999] = hashes[5] ^ np.uint64(0b101)
    level, spread = np.zeros(100_000), np.ones(100_000)
    near_duplicates(hashes[:2], level[:2], spread[:2], 2)
    started = time.process_time()
    found = near_duplicates(hashes, level, spread, 2)
    assert time.process_time() - started < 5
    assert found[99_999] == 5 and (found[:-1] == -1).all()


def test_hash_forgives_noise_level_and_scale_and_nothing_else():
    rng = np.random.default_rng(1)
    for seed in range(20):
        heights = fractal((64, 64), 800, seed)
        noisy = heights + rng.normal(0, 0.2, heights.shape)
        assert differing(hashed(heights), hashed(noisy)) <= 2
        assert hashed(heights) == hashed(heights * 0.5 + 300)
        holed = np.where(rng.random(heights.shape) < 0.01, np.nan, heights)
        assert differing(hashed(heights), hashed(holed)) <= 6
        for other in (heights[::-1], heights.T, np.roll(heights, 16, 1), fractal((64, 64), 800, seed + 100)):
            assert differing(hashed(heights), hashed(other)) > 8


def test_plains_are_not_one_tile():
    """A thousand plains with a metre of noise, at as many levels, with and without the same tilt."""
    rng = np.random.default_rng(2)
    tilt = np.linspace(0, 3, 64)[None]
    for slope in (0, tilt):
        plains = [rng.integers(0, 2, (64, 64)) + slope + level for level in rng.uniform(0, 200, 1000)]
        hashes = np.array([hashed(plain) for plain in plains], np.uint64)
        level = [plain.mean() for plain in plains]
        assert (near_duplicates(hashes, level, [np.ptp(plain) for plain in plains], 2) == -1).all()


def test_plains_of_one_value_are_one_tile_only_at_the_same_level():
    hashes = np.zeros(4, np.uint64)
    assert near_duplicates(hashes, [3.0, 3.0, 5.0, 3.0], np.zeros(4), 2).tolist() == [-1, 0, -1, 0]


def test_tiles_that_are_all_void_are_never_duplicates():
    nothing = np.full(3, np.nan)
    assert (near_duplicates(np.zeros(3, np.uint64), nothing, nothing, 2) == -1).all()


@given(px=st.integers(16, 600), stride=st.integers(1, 600))
def test_areas_that_are_hashed_fit_every_window(px, stride):
    area = hash_area(px, stride)
    assert px % area == 0 and stride % area == 0
    assert area == 1 or px // area >= 32
