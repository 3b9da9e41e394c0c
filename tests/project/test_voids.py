"""Small voids are interpolated and counted; large voids and voids on the border stay."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.project.voids import fill_small_voids

ROW, COL = np.indices((60, 70)).astype(np.float32)


@settings(max_examples=40)
@given(st.integers(1, 8), st.integers(1, 8), st.integers(1, 50), st.integers(1, 60))
def test_a_hole_in_a_plane_is_filled_with_the_plane(high, wide, row, col):
    plane = 100 + 3 * ROW - 2 * COL
    holed = plane.copy()
    holed[row : row + high, col : col + wide] = np.nan
    filled, mask = fill_small_voids(holed, 8)
    assert np.array_equal(mask, np.isnan(holed))
    assert filled == pytest.approx(plane, abs=0.01)


def test_curvature_is_carried_across():
    hill = 500 * np.exp(-((ROW - 30) ** 2 + (COL - 35) ** 2) / 300)
    holed = hill.copy()
    holed[27:33, 32:38] = np.nan  # the summit: a mean of the rim would cut it off
    filled, _ = fill_small_voids(holed, 8)
    assert np.abs(filled - hill).max() < 3
    assert hill[27:33, 32:38].max() - np.nanmax(holed) > 10


def test_large_and_border_holes_stay():
    height = np.ones((60, 70), np.float32)
    height[10:19, 10:12] = np.nan  # 9 high
    height[30:32, 0:3] = np.nan  # on the border
    height[57:, 40:43] = np.nan
    height[40:43, 40:43] = np.nan
    filled, mask = fill_small_voids(height, 8)
    assert mask.sum() == 9 and mask[40:43, 40:43].all()
    assert np.isnan(filled).sum() == 18 + 6 + 9


def test_corners_join_holes():
    height = np.ones((60, 70), np.float32)
    for k in range(0, 10, 2):
        height[20 + k : 22 + k, 20 + k : 22 + k] = np.nan
    assert not fill_small_voids(height, 8)[1].any()


def test_nothing_to_fill_and_nothing_known():
    whole = np.zeros((20, 20), np.float32)
    assert fill_small_voids(whole, 8)[0] is whole
    void = np.full((20, 20), np.nan, np.float32)
    assert np.isnan(fill_small_voids(void, 8)[0]).all()
    holed = whole.copy()
    holed[5, 5] = np.nan
    assert np.isnan(fill_small_voids(holed, 0)[0][5, 5])


def test_a_hole_beside_a_large_void_does_not_reach_into_it():
    plane = 100 + 3 * ROW - 2 * COL
    holed = plane.copy()
    holed[10:40, 10:30] = np.nan
    holed[20:24, 31:35] = np.nan  # one known column between them
    filled, mask = fill_small_voids(holed, 8)
    assert mask.sum() == 16
    assert filled[20:24, 31:35] == pytest.approx(plane[20:24, 31:35], abs=0.05)


def test_a_crack_is_one_pixel_across_however_long():
    plane = 100 + 3 * ROW - 2 * COL
    cracked = plane.copy()
    cracked[:, 30] = np.nan
    filled, mask = fill_small_voids(cracked, 8)
    assert mask.sum() == 60
    assert filled == pytest.approx(plane, abs=0.05)
