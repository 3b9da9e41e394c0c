from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.acquire.sources.sample.planet import planet_height


@settings(max_examples=20)
@given(st.floats(-89, 89), st.floats(-180, 180), st.integers(0, 5))
def test_the_planet_goes_round(lat, lon, seed):
    here, turned = planet_height(lat, lon, seed), planet_height(lat, lon + 360, seed)
    assert abs(here - turned) < 0.01


def test_one_height_at_a_pole_whatever_the_longitude():
    assert np.ptp(planet_height(90.0, np.linspace(-180, 180, 50), 20)) < 0.01


def test_no_seam_at_180_degrees():
    lat = np.linspace(-60, 60, 400)[:, None]
    step = 0.001
    height = planet_height(lat, 180 + step * np.arange(-20, 20)[None], 20)
    steps = np.abs(np.diff(height, axis=1))
    assert steps[:, 19].max() <= 1.5 * np.delete(steps, 19, axis=1).max()


def test_pure_and_in_range():
    lat, lon = np.meshgrid(np.linspace(80, -80, 60), np.linspace(-179, 179, 120), indexing="ij")
    height = planet_height(lat, lon, 20)
    assert height.dtype == np.float32 and height.shape == lat.shape
    assert np.array_equal(height[7:9, 30:50], planet_height(lat[7:9, 30:50], lon[7:9, 30:50], 20))
    assert height.min() >= 0 and 2000 < height.max() < 9000
    sea = (height == 0).mean()
    assert 0.2 < sea < 0.8
    assert not np.array_equal(height, planet_height(lat, lon, 21))
