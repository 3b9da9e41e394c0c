import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.relief.shade.hillshade import hillshade, shaded_relief
from tasks.relief.shade.slope import aspect_degrees, slope_degrees
from tests.relief.shapes import cone, plane


@given(st.floats(0.01, 2), st.floats(0, 2 * np.pi), st.sampled_from([1.0, 30.0, 90.0]))
def test_planes_have_their_slope_and_aspect(steep, downhill, gsd):
    heights = plane(-steep * np.sin(downhill), -steep * np.cos(downhill), side=9, gsd=gsd)
    assert slope_degrees(heights, gsd) == pytest.approx(np.degrees(np.arctan(steep)), rel=0.02)
    aspect = aspect_degrees(heights, gsd)
    assert ((aspect >= 0) & (aspect < 360)).all()
    turn = (aspect - np.degrees(downhill) + 180) % 360 - 180
    assert np.abs(turn).max() < 2


def test_flat_ground_has_no_aspect_and_voids_stay_voids():
    flat = np.full((5, 5), 7.0, np.float32)
    assert np.isnan(aspect_degrees(flat, 30)).all() and (slope_degrees(flat, 30) == 0).all()
    flat[0, 0] = np.nan
    assert np.isnan(slope_degrees(flat, 30)[0, 0]) and slope_degrees(flat, 30)[1, 1] == 0


def test_an_aspect_slightly_west_of_north_stays_below_360():
    assert aspect_degrees(plane(1e-9, -1.0, side=5), 10).max() < 360


def test_a_cone_is_lit_from_the_north_west():
    shade = hillshade(cone(), 10)
    assert shade.shape == (33, 33) and shade.min() >= 0 and shade.max() <= 1
    assert shade[8, 8] > 0.94 > 0.4 > shade[-8, -8]


def test_pictures_of_nothing_do_not_fail():
    assert shaded_relief(np.full((8, 8), np.nan, np.float32), 30).shape == (8, 8, 3)
    assert shaded_relief(np.zeros((8, 8), np.float32), 30).shape == (8, 8, 3)
