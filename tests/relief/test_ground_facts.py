import numpy as np
import pytest

from tasks.formats.tables.wind_names import GRAINS, WINDS
from tasks.relief.ground_facts import height_facts
from tasks.relief.landform_classes import ground
from tests.relief.shapes import cone, plane, roof, trough

GSD = 90.0


def facts(heights, gsd=GSD):
    return height_facts(heights[None].astype(np.float32), gsd, 8, 1.0)[0]


@pytest.mark.parametrize("turn, wind", enumerate(WINDS))
def test_slopes_face_the_way_they_fall(turn, wind):
    bearing = np.radians(45 * turn)
    known = facts(plane(-0.2 * np.sin(bearing), -0.2 * np.cos(bearing), gsd=GSD))
    assert known["aspect"] == wind and known["aspect_strength"] == 1 and known["grain"] is None
    assert known["ground"] is None, "one even slope is no range of hills"


@pytest.mark.parametrize("turn, grain", enumerate(GRAINS))
def test_ridges_run_the_way_they_run(turn, grain):
    x, y = np.meshgrid(np.arange(32) - 15.5, 15.5 - np.arange(32))
    bearing = np.radians(45 * turn)
    across = x * np.cos(bearing) - y * np.sin(bearing)
    known = facts(100 * np.cos(across / 2))
    assert known["grain"] == grain and known["aspect"] is None


def test_a_cone_has_neither():
    known = facts(cone(0.2, gsd=GSD))
    assert known["aspect"] is None and known["grain"] is None


def test_elevation_relief_and_slope_are_the_arrays_own():
    heights = plane(0.2, 0, gsd=GSD)
    known = facts(heights)
    assert known["elevation_m"]["lowest"] == pytest.approx(heights.min(), abs=0.06)
    assert known["relief_m"] == pytest.approx(np.ptp(heights), abs=0.06)
    assert known["slope_deg"] == pytest.approx(np.degrees(np.arctan(0.2)), abs=0.06)
    assert known["slope_shares"]["moderate"] == 1 and sum(known["slope_shares"].values()) == pytest.approx(1)
    assert known["landforms"]["slope"] > 0.9 and known["dominant"] == ["slope"]


def test_a_ridge_and_a_valley_are_found():
    assert facts(roof(gsd=GSD))["landforms"]["ridge"] > facts(trough(gsd=GSD))["landforms"]["ridge"]
    assert facts(trough(gsd=GSD))["landforms"]["valley"] > 0.02


def test_the_sea_is_left_out_of_what_is_said_of_the_land():
    land = plane(0.2, 0, gsd=GSD)
    half = land.copy()
    half[:, :16] = 0
    known = facts(half)
    assert known["sea_share"] == pytest.approx(16 / 33, abs=0.01)
    assert known["elevation_m"]["lowest"] == pytest.approx(land[:, 16].min(), abs=0.1)
    assert known["slope_deg"] < 30, "the cliff at the shore is in few windows only"
    assert known["landforms"]["flat"] < 0.1


def test_a_shore_that_crosses_zero_is_not_sea():
    assert facts(np.round(plane(0.2, 0, gsd=GSD) - 500))["sea_share"] == 0


def test_open_sea_has_no_relief_and_a_void_has_nothing():
    assert facts(np.zeros((32, 32))) == {"void_share": 0.0, "sea_share": 1.0}
    assert facts(np.full((32, 32), np.nan)) == {"void_share": 1.0, "sea_share": 0.0}


def test_voids_are_counted_and_passed_over():
    heights = plane(0.2, 0, gsd=GSD)
    heights[:8] = np.nan
    known = facts(heights)
    assert known["void_share"] == pytest.approx(8 / 33, abs=0.01) and known["aspect"] == "west"


def test_one_lonely_pixel_of_land_has_no_slope():
    heights = np.full((16, 16), np.nan)
    heights[8, 8] = 12
    known = facts(heights)
    assert known["ground"] is None and known["dominant"] == [] and "slope_deg" not in known


@pytest.mark.parametrize(
    "gentle, relief, low, name",
    [
        (0.9, 10, 0.5, "flat plains"),
        (0.9, 80, 0.5, "smooth plains"),
        (0.6, 80, 0.5, "irregular plains"),
        (0.6, 200, 0.8, "plains with high hills"),
        (0.6, 200, 0.2, "tablelands"),
        (0.3, 400, 0.5, "open low mountains"),
        (0.1, 120, 0.5, "hills"),
        (0.1, 1500, 0.5, "high mountains"),
    ],
)
def test_hammonds_classes(gentle, relief, low, name):
    assert ground(gentle, relief, low, 0.2, 5.76) == name
    assert ground(gentle, relief, low, 0.2, 0.13) is None, "not at the scale of a garden"
