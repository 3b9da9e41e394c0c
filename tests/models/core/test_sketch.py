import numpy as np
import pytest

from models.core.sketch import RIDGE, VALLEY, lines

Y, X = np.mgrid[-32:32, -32:32] + 0.5


@pytest.mark.parametrize("angle", np.radians([0, 30, 45, 90, 135]))
def test_a_ridge_is_one_line_along_its_crest_and_a_valley_the_other(angle):
    across = np.cos(angle) * X + np.sin(angle) * Y
    ridge = lines(500 * np.exp(-np.square(across / 6))[None])[0]
    assert (np.abs(across[ridge == RIDGE]) < 1.5).all()
    along = (-np.sin(angle) * X + np.cos(angle) * Y)[ridge == RIDGE]
    assert len(np.unique(np.floor(along))) > 50, "the line is as long as the ridge"
    valley = lines(-500 * np.exp(-np.square(across / 6))[None])[0]
    assert np.array_equal(valley == VALLEY, ridge == RIDGE)


def test_an_even_slope_and_a_plain_have_no_lines():
    assert not lines(np.stack([3 * X + 2 * Y, np.zeros_like(X)])).any()


def test_height_scale_and_unit_do_not_matter():
    rough = np.random.default_rng(0).standard_normal((3, 64, 64)).cumsum(axis=1).cumsum(axis=2)
    found = lines(rough)
    assert np.array_equal(found, lines(1000 + 7 * rough))
    assert 0.01 < (found == RIDGE).mean() < 0.2 and 0.01 < (found == VALLEY).mean() < 0.2


def test_lines_of_a_tile_do_not_depend_on_other_tiles():
    rough = np.random.default_rng(2).standard_normal((40, 64, 64)).cumsum(axis=1).cumsum(axis=2)
    together = lines(rough)
    assert all(np.array_equal(lines(rough[n : n + 1])[0], together[n]) for n in range(40))


@pytest.mark.parametrize("turn", range(4))
def test_lines_turn_with_the_tile(turn):
    rough = np.random.default_rng(1).standard_normal((1, 64, 64)).cumsum(axis=1).cumsum(axis=2)
    turned = lines(np.rot90(rough, turn, axes=(1, 2)))
    same = turned == np.rot90(lines(rough), turn, axes=(1, 2))
    assert same.mean() > 0.98  # a tie between two neighbours goes to one side
