import numpy as np
import pytest

from tasks.relief.curvature import plan_curvature, profile_curvature
from tasks.relief.roughness import tpi, tri
from tests.relief.shapes import cone, grid, plane

GSD = 10.0


def test_a_rounded_crest_is_convex_along_the_slope_only():
    x, _ = grid()
    crest = (900 - 0.5 * 0.004 * x**2)[None]
    away = np.s_[:, :, :10]  # off the crest line itself, which is level
    assert profile_curvature(crest, GSD)[away] == pytest.approx(0.004, rel=1e-6)
    assert plan_curvature(crest, GSD)[away] == pytest.approx(0, abs=1e-9)
    assert profile_curvature(-crest, GSD)[away] == pytest.approx(-0.004, rel=1e-6)


def test_a_cone_parts_the_water_by_slope_over_radius():
    x, y = grid()
    far = np.hypot(x, y)[1:-1, 1:-1] > 80
    plan, profile = (f(cone(0.5)[None], GSD)[0] for f in (plan_curvature, profile_curvature))
    radius = np.hypot(x, y)[1:-1, 1:-1]
    assert plan[far] == pytest.approx(0.5 / radius[far], rel=0.03)
    assert np.abs(profile[far]).max() < 1e-4
    assert (plan_curvature(-cone(0.5)[None], GSD)[0][far] < 0).all(), "a funnel gathers it"


def test_quarter_turns_turn_the_result():
    rng = np.random.default_rng(3)
    heights = rng.normal(size=(2, 12, 12)).cumsum(1).cumsum(2)
    for measure in (profile_curvature, plan_curvature):
        turned = measure(np.rot90(heights, axes=(1, 2)), GSD)
        assert turned == pytest.approx(np.rot90(measure(heights, GSD), axes=(1, 2)), abs=1e-6)


def test_level_ground_and_voids():
    flat = np.full((1, 6, 6), 12.0, np.float32)
    assert (profile_curvature(flat, GSD) == 0).all() and (plan_curvature(flat, GSD) == 0).all()
    flat[0, 0, 0] = np.nan
    for measure in (profile_curvature, plan_curvature):
        assert np.isnan(measure(flat, GSD)[0, 0, 0]) and measure(flat, GSD)[0, 1, 1] == 0


def test_ruggedness_of_a_plane_and_of_a_spike():
    assert tri(plane(0.1, 0)[None]) == pytest.approx(np.sqrt(6.0), rel=1e-3)
    spike = np.zeros((1, 5, 5), np.float32)
    spike[0, 2, 2] = 2
    assert tri(spike)[0, 1, 1] == pytest.approx(np.sqrt(8 * 4)) and tri(spike)[0, 0, 0] == 2


def test_position_is_zero_on_planes_and_says_how_far_a_spike_stands_out():
    assert tpi(plane(0.3, -0.2)[None], 3) == pytest.approx(0, abs=1e-3)
    spike = np.zeros((1, 7, 7), np.float32)
    spike[0, 3, 3] = 8
    assert tpi(spike, 1)[0, 2, 2] == 8 and tpi(spike, 1)[0, 1, 1] == -1
    spike[0, 0, 0] = np.nan
    assert np.isnan(tpi(spike, 1)).sum() == 1
    with pytest.raises(ValueError, match="radius 4 does not fit"):
        tpi(spike, 4)
