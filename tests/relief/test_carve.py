"""Removal of pits: everything drains, little changes, and nothing else moves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.ndimage import gaussian_filter

from tasks.relief.carve import _flood, drained

SHAPES = st.tuples(st.integers(3, 14), st.integers(3, 14))


def pits(height: np.ndarray, sea: np.ndarray | None = None) -> int:
    """Number of pixels from which water cannot reach the border or the sea without a climb."""
    surface = np.asarray(height, np.float64)
    filled, _, _ = _flood(surface, np.zeros(surface.shape, bool) if sea is None else sea)
    return int((filled > surface).sum())


@given(arrays.arrays(np.float32, SHAPES, elements=st.integers(0, 9).map(float)))
@settings(max_examples=200)
def test_every_pixel_of_any_ground_drains_and_a_second_pass_changes_nothing(height):
    made = drained(height)
    assert pits(made.height) == 0
    assert np.isin(made.height, height).all()
    again = drained(made.height)
    assert (again.height == made.height).all() and again.pools == 0 and again.changed_share == 0


def test_ground_in_whole_metres_drains_although_many_pools_share_a_level():
    rng = np.random.default_rng(2)
    for _ in range(400):
        height = rng.integers(0, rng.integers(2, 12), rng.integers(3, 50, 2)).astype(np.float32)
        if rng.random() < 0.5:
            height = np.round(gaussian_filter(height, 1) * 8)
        assert pits(drained(height).height) == 0


@given(arrays.arrays(np.float32, SHAPES, elements=st.integers(-4, 5).map(float)), st.data())
@settings(max_examples=100)
def test_the_sea_takes_water_and_stays(height, data):
    sea = data.draw(arrays.arrays(bool, height.shape))
    height[sea] = 0
    made = drained(height, sea)
    assert pits(made.height, sea) == 0
    inner = sea.copy()
    inner[[0, -1]] = inner[:, [0, -1]] = False
    assert (made.height[inner] == 0).all()


def test_a_wall_across_a_valley_is_cut_and_a_hole_in_a_plain_is_filled():
    valley = np.abs(np.arange(21) - 10.0)[None, :] + np.arange(40)[::-1, None] * 0.5 + np.zeros((40, 21))
    valley = valley.astype(np.float32)
    dam, hole = valley.copy(), valley.copy()
    dam[20] = np.maximum(dam[20], valley[20, 10] + 6)
    made = drained(dam)
    assert made.pools == made.channels == 1 and made.raised_m == 0
    assert made.height[made.height != dam].tolist() == [valley[19, 10]]
    hole[20, 10] -= 3  # one pixel deep in the bed
    made = drained(hole)
    assert made.channels == 0 and (made.height != hole).sum() == 1 and made.lowered_m == 0


def test_a_basin_below_the_sea_is_filled_to_its_rim_and_no_channel_lowers_the_sea():
    height = np.full((12, 12), 5, np.float32)
    height[:, :3] = 0
    sea = height == 0
    height[5:8, 6:9] = -20
    made = drained(height, sea)
    assert made.channels == 0 and (made.height[5:8, 6:9] == 5).all() and (made.height[sea] == 0).all()


def test_real_like_ground_changes_little():
    rng = np.random.default_rng(5)
    shares = []
    for _ in range(8):
        rough = sum(gaussian_filter(rng.standard_normal((128, 128)), s, mode="wrap") * s**2 for s in (2, 4, 8, 16, 32))
        shares.append(drained((rough * 20).astype(np.float32)).changed_share)
    assert 0 < np.median(shares) <= 0.03


@pytest.mark.parametrize("height", [np.zeros((2, 9)), np.zeros(9), np.full((5, 5), np.nan)])
def test_what_is_no_raster_of_heights_is_refused(height):
    with pytest.raises(ValueError, match="drained: heights"):
        drained(height)
