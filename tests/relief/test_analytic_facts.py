"""Facts of surfaces with a formula: the facts are those that the formula gives, to the last decimal that is told."""

import numpy as np
import pytest

from tasks.formats.tables.wind_names import WINDS
from tasks.relief.geomorphons import NAMES
from tasks.relief.ground_facts import height_facts
from tests.relief.shapes import cone, grid, plane, roof, trough

SIDE, GSD, STEEP = 33, 90.0, 0.2
INNER = (SIDE - 2) ** 2
MOST = SIDE // 2 * GSD  # metres from the middle to a side


def facts(heights):
    return height_facts(heights[None].astype(np.float32), GSD, 8, 1.0)[0]


def saddle():
    """A hyperbolic paraboloid: it rises to the east and the west, and falls to the north and the south."""
    x, y = grid(SIDE, GSD)
    return 1000 + (x**2 - y**2) / 9000


def shares(**told):
    return {name: pytest.approx(told.get(name, 0.0), abs=0.0005) for name in NAMES}


def degrees(steep):
    return pytest.approx(np.degrees(np.arctan(steep)), abs=0.05)


def test_a_plane():
    known = facts(plane(-STEEP, 0, SIDE, GSD))
    assert known["elevation_m"] == {"lowest": 500 - STEEP * MOST, "mean": 500, "highest": 500 + STEEP * MOST}
    assert known["relief_m"] == 2 * STEEP * MOST and known["slope_deg"] == degrees(STEEP)
    assert known["landforms"] == shares(slope=1) and known["dominant"] == ["slope"]
    assert known["aspect"] == "east" and known["aspect_deg"] == 90 and known["aspect_strength"] == 1
    assert known["aspect_shares"] == {wind: float(wind == "east") for wind in WINDS}
    assert known["slope_shares"] == {name: float(name == "moderate") for name in known["slope_shares"]}
    assert known["drains_to"] == "east" and known["closed_share"] == 0 == known["stream_density"]
    # Each inner row drains along itself; it has a catchment of all its pixels but the one on the western rim.
    assert known["largest_catchment"] == pytest.approx((SIDE - 1) / SIDE**2, abs=0.0005)


def test_a_cone():
    known = facts(cone(STEEP, SIDE, GSD))
    assert known["relief_m"] == pytest.approx(STEEP * np.hypot(MOST, MOST), abs=0.05)
    assert known["slope_deg"] == pytest.approx(np.degrees(np.arctan(STEEP)) * (1 - 1 / INNER), abs=0.06)
    assert known["landforms"]["peak"] == pytest.approx(1 / INNER, abs=0.0005)
    assert known["landforms"]["pit"] == known["landforms"]["valley"] == known["landforms"]["hollow"] == 0
    assert known["aspect"] is known["grain"] is known["drains_to"] is None
    assert known["aspect_strength"] == known["grain_strength"] == known["drains_strength"] == known["closed_share"] == 0
    facing = list(known["aspect_shares"].values())
    assert set(facing[::2]) == {facing[0]} and set(facing[1::2]) == {facing[1]}
    assert sum(facing) == pytest.approx(1 - 1 / INNER, abs=0.004)


def test_a_pit_is_the_cone_upside_down():
    up, down = facts(cone(STEEP, SIDE, GSD)), facts(2000 - cone(STEEP, SIDE, GSD))
    opposite = dict(
        zip(NAMES, ("flat", "pit", "valley", "footslope", "hollow", "slope", "spur", "shoulder", "ridge"), strict=False)
    )
    opposite["pit"] = "peak"
    assert down["landforms"] == {name: up["landforms"][other] for name, other in opposite.items()}
    x, y = grid(SIDE, GSD)
    # Water fills the pit up to the nearest point of the rim, which is the middle of a side.
    assert down["closed_share"] == pytest.approx(np.mean(np.hypot(x, y) < MOST - 1e-6), abs=0.0005)
    assert down["drains_to"] is None and down["relief_m"] == up["relief_m"]


def test_a_ridge():
    known = facts(roof(STEEP, SIDE, GSD))
    line = 1 / (SIDE - 2)
    assert known["relief_m"] == STEEP * MOST
    assert known["landforms"] == shares(ridge=line, slope=1 - line)
    assert known["grain"] == "east to west" and known["grain_deg"] == 90 and known["grain_strength"] == 1
    assert known["aspect"] is None and known["aspect_strength"] == 0
    half = pytest.approx((1 - line) / 2, abs=0.0005)
    assert known["aspect_shares"] == {wind: half if wind in ("north", "south") else 0.0 for wind in WINDS}
    assert known["slope_deg"] == pytest.approx(np.degrees(np.arctan(STEEP)) * (1 - line), abs=0.05)
    assert known["closed_share"] == 0


def test_a_valley():
    known = facts(trough(STEEP, 0.05, SIDE, GSD))
    line = 1 / (SIDE - 2)
    assert known["relief_m"] == STEEP * MOST + 2 * 0.05 * MOST
    assert known["landforms"]["valley"] == pytest.approx(line, abs=0.0005) and known["landforms"]["ridge"] == 0
    assert known["grain"] == "north to south" and known["grain_deg"] == 0
    assert known["drains_to"] == "south" and known["closed_share"] == 0
    assert known["aspect_deg"] == 180 and known["aspect"] is None, "the flanks face each other"
    assert known["aspect_shares"]["east"] == known["aspect_shares"]["west"] == pytest.approx((1 - line) / 2, abs=0.0005)
    assert known["stream_density"] > 0 and known["largest_catchment"] > 0.8


def test_a_saddle():
    known = facts(saddle())
    assert known["relief_m"] == pytest.approx(2 * MOST**2 / 9000, abs=0.05)
    assert known["elevation_m"]["mean"] == 1000
    assert known["aspect_strength"] == known["grain_strength"] == 0
    assert known["aspect"] is known["grain"] is known["drains_to"] is None
    assert known["landforms"]["peak"] == known["landforms"]["pit"] == 0
    assert known["landforms"]["spur"] == known["landforms"]["hollow"] > 0, "as much falls away as rises"
    x, y = grid(SIDE, GSD)
    steep = np.degrees(np.arctan(np.hypot(x, y)[1:-1, 1:-1] * 2 / 9000))  # Horn's method is exact for a quadric
    assert known["slope_deg"] == pytest.approx(steep.mean(), abs=0.05)
    assert known["closed_share"] == 0


@pytest.mark.parametrize("turn, wind", enumerate(WINDS))
def test_the_sea_lies_where_it_lies(turn, wind):
    bearing = np.radians(45 * turn)
    rising = plane(-0.1 * np.sin(bearing), -0.1 * np.cos(bearing), SIDE, GSD) - 500
    known = facts(np.maximum(rising, 0))
    assert known["sea_side"] == wind and known["sea_strength"] > 0.9 and known["islands"] == 0
    assert known["drains_to"] is None


def test_islands_are_counted():
    known = facts(np.maximum(cone(STEEP, SIDE, GSD) - 800, 0))
    assert known["islands"] == 1 and known["sea_side"] is None and known["sea_strength"] == 0
    two = np.zeros((SIDE, SIDE))
    two[4:9, 4:9], two[20:24, 12:20], two[30, 30] = 50, 80, 10
    assert facts(two)["islands"] == 2, "a rock of one pixel is no island"
    two[4:9, 0:9] = 50
    assert facts(two)["islands"] == 1, "what leaves the tile may be joined outside"
    assert "islands" not in facts(np.zeros((SIDE, SIDE))) and "islands" not in facts(plane(STEEP, 0, SIDE, GSD))
