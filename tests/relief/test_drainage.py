import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tasks.relief.drainage import accumulate, drainage, flow
from tests.relief.shapes import cone, plane, trough

GSD = 10.0


def one(heights, **options):
    return {name: values[0] for name, values in drainage(heights[None], GSD, **options).items()}


def test_a_valley_gathers_everything_in_one_stream():
    side = 33
    facts = one(trough(side=side))
    assert facts["pit_fraction"] == facts["sink_fraction"] == 0
    # Border pixels drain off the raster themselves: the first column, the last, and the first and last row.
    assert facts["largest_catchment"] == pytest.approx(1, abs=4 / side)
    # Row by row the stream gains the inner width, and a pixel of length on the half width it began with; the first
    # row is below the 32 pixels of a stream, the last one is where water leaves.
    rows = np.arange(2, side - 1)
    expected = np.polyfit(np.log(rows * (side - 2)), np.log(rows - 1 + (side - 3) / 2), 1)[0]
    assert facts["hack_exponent"] == pytest.approx(expected, rel=1e-6)
    assert facts["stream_density"] == pytest.approx(1 / (side * GSD / 1000), rel=0.1)


def test_a_cone_parts_the_water_and_a_bowl_is_one_pit():
    side = 33
    parted, bowl = one(cone(side=side)), one(-cone(side=side))
    assert parted["pit_fraction"] == 0 and parted["largest_catchment"] < 0.2
    assert bowl["pit_fraction"] == pytest.approx(1 / (side - 2) ** 2)
    filled, _, _ = flow(-cone(side=side).astype(float))
    rim = -cone(side=side)[0, side // 2]
    assert filled.min() == pytest.approx(rim), "full to the lowest point of its rim"
    assert bowl["sink_fraction"] == pytest.approx((-cone(side=side) < rim).mean())


def test_a_tilted_plane_has_no_streams_that_meet():
    heights = plane(0, -0.3)
    area = accumulate(*flow(heights.astype(float))[1:], heights.shape[1])[0].reshape(heights.shape)
    assert (area[1:-1, 5] == np.arange(31, 0, -1)).all(), "each column drains to the north for itself"


def test_level_ground_has_no_streams_and_no_exponents():
    facts = one(np.zeros((16, 16), np.float32))
    assert facts["stream_density"] == 0 and np.isnan(facts["hack_exponent"]) and np.isnan(facts["concavity"])


@pytest.mark.parametrize("theta", [0.3, 0.6])
def test_concavity_is_that_of_the_profile(theta):
    side = 65
    x = np.abs(np.arange(side) - side // 2) * GSD
    reach = np.arange(1, side)
    fall = 0.3 * (reach * (side - 2.0)) ** -theta * GSD
    profile = 900 - np.concatenate([[0], np.cumsum(fall)])
    heights = profile[:, None] + 2.0 * x[None, :]
    assert one(heights, stream_cells=200)["concavity"] == pytest.approx(theta, abs=0.05)


@settings(max_examples=60)
@given(arrays(np.float64, st.tuples(st.integers(3, 9), st.integers(3, 9)), elements=st.integers(0, 6).map(float)))
def test_no_water_is_lost_and_none_runs_in_circles(heights):
    filled, order, receiver = flow(heights)
    area, _ = accumulate(order, receiver, heights.shape[1])
    assert sorted(order) == list(range(heights.size))
    place = np.argsort(order)
    inner = receiver >= 0
    assert (place[receiver[inner]] < place[inner]).all(), "each pixel comes after the one it drains to"
    assert area[~inner].sum() == heights.size, "all rain leaves over the edge"
    assert (filled >= heights).all()
    surface = filled.ravel()
    assert (surface[receiver[inner]] <= surface[inner]).all(), "never uphill on the filled surface"


def test_voids_and_slivers_are_refused():
    heights = cone()[None].copy()
    heights[0, 3, 3] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        drainage(heights, GSD)
    with pytest.raises(ValueError, match="3 pixels"):
        drainage(np.zeros((1, 2, 9)), GSD)
    assert drainage(np.zeros((0, 9, 9)), GSD)["pit_fraction"].shape == (0,)
