"""Words at places: which polygon has a point, and how elevation and relief go from one text to the next."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from affine import Affine

from models.core.artifact import load_model
from tasks.core.settings import ROOT
from tasks.generate.world.ground import World
from tasks.generate.world.regions import Regions
from tasks.generate.world.transition import Transition

SHIPPED = ROOT / "models/pretrained/terrain"
METRES = Affine(90.0, 0, 0, 0, -90.0, 0)


def texts_at(regions, *points):
    rows, cols = np.array(points, float).T
    return [regions.texts[number] for number in regions.at(rows, cols)]


def test_the_last_polygon_wins_and_holes_do_not_count():
    ground = shapely.box(0, -9000, 9000, 0) - shapely.box(3600, -5400, 5400, -3600)
    two = shapely.MultiPolygon([shapely.box(0, -900, 900, 0), shapely.box(8100, -9000, 9000, -8100)])
    regions = Regions([ground, two], ["hills", "mountains"], "plains", METRES)
    assert regions.texts == ("plains", "hills", "mountains")
    found = texts_at(regions, (50, 20), (50, 50), (5, 5), (95, 95), (10, 10), (-1, 5), (5, 101))
    assert found == ["hills", "plains", "mountains", "mountains", "mountains", "plains", "plains"]
    assert texts_at(Regions([two, ground], ["b", "a"], "", METRES), (5, 5)) == ["a"]
    assert regions.reach(90, 90, 50, 50) and not regions.reach(0, -20, 50, 10)
    above = Regions([shapely.box(0, 0, 9000, 9000)], ["a"], "", METRES)
    assert above.reach(-1, 0, 2, 64) and not above.reach(0, 0, 64, 64), "it only touches the first row"
    assert regions.bounds(10, 20, 30, 40) == (1800, -3600, 5400, -900)


class Same:
    """Elevation and relief that are the same everywhere."""

    def __init__(self, mean, near):
        self.mean, self.base, self.near = mean, 10.0, near

    def read(self, row, col, rows, cols):
        return np.full((rows, cols), self.mean), np.full((rows, cols), np.log(self.mean / 10))


def test_elevation_and_relief_go_gradually_from_text_to_text():
    regions = Regions([shapely.box(40 * 8 * 90, -1e6, 1e6, 1e6)], ["high"], "low", METRES)
    made = {}

    def wanted(text, near):
        return made.setdefault(text, Same({"low": 100.0, "high": 1100.0}[text], near))

    plane = Transition(regions, 8, wanted)
    mean, std = plane.read(-3, 0, 5, 80)
    assert (mean == mean[0]).all() and (mean[:, :26] == 100).all() and (mean[:, 54:] == 1100).all()
    assert (np.diff(mean[0]) >= 0).all() and np.diff(mean[0]).max() < 100
    assert mean[0, 39] + mean[0, 40] == 1200 and 10 < 100 * std[0, 40] / 110 < 100
    part = Transition(regions, 8, wanted).read(0, 33, 1, 1)
    assert part[0] == mean[0, 33] and part[1] == std[0, 33]
    assert made["low"].near is None and made["high"].near == 10.0


@pytest.fixture(scope="module")
def halves():
    """The west of the plane is flat, and the east, from column 0 on, is high."""
    return Regions([shapely.box(0, -1e6, 1e6, 1e6)], ["high mountains with steep slopes"], "flat plains", METRES)


@pytest.mark.parametrize("steps", [1, 2])
def test_a_height_at_a_border_does_not_depend_on_what_else_is_read(model, steps):
    words = Regions([shapely.box(0, -1800, 1e5, 1e5)], ["High mountains."], "A flat plain.", METRES)
    whole = World(model, 7, words, steps=steps).read(-20, -24, 48, 48)
    other = World(model, 7, words, steps=steps)
    for row, col, rows, cols in ((20, 10, 8, 9), (-1, -2, 1, 3), (-20, -24, 30, 48)):
        part = other.read(row, col, rows, cols)
        assert np.array_equal(part, whole[row + 20 : row + 20 + rows, col + 24 : col + 24 + cols])
    assert not np.array_equal(whole, World(model, 7, "A flat plain.", steps=steps).read(-20, -24, 48, 48))


def test_a_map_of_one_text_has_the_bits_of_that_text(model):
    one = Regions([shapely.box(-1e7, -1e7, 1e7, 1e7)], ["High mountains."], "High mountains.", METRES)
    assert np.array_equal(World(model, 7, one).read(0, 0, 8, 8), World(model, 7, "High mountains.").read(0, 0, 8, 8))


@pytest.mark.skipif(not SHIPPED.is_dir(), reason="no terrain model comes with this checkout")
def test_the_terrain_model_makes_what_each_region_asks_for(halves):
    world = World(load_model(SHIPPED, "cpu"), 7, halves, 2.0, steps=1)
    flat, high = (world.read(0, col, 24, 24) for col in (-300, 300))
    assert np.ptp(high) > 10 * np.ptp(flat), "words choose relief"
    assert abs(high.mean() - flat.mean()) < 4000
