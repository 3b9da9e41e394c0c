"""The yardstick for the 25 known kinds passes right pictures and no broken ones."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from tests.benchmarks import controls
from tests.benchmarks.known_kinds import judged
from tests.benchmarks.modes import pictures

RIGHT, BROKEN = controls.right(100, 5), controls.broken(30, 6)


@cache
def figures(name: str) -> dict[str, float]:
    return judged((RIGHT | BROKEN)[name]).figures()


@pytest.mark.parametrize("name", RIGHT)
def test_right_pictures_are_good(name):
    assert figures(name)["precision"] == 1


@pytest.mark.parametrize("name", BROKEN)
def test_broken_pictures_are_not_good(name):
    assert figures(name)["precision"] <= 0.04


def test_kinds_and_places_are_those_that_were_drawn():
    shown, kinds = pictures(100, 5)
    fits = judged(shown)
    np.testing.assert_array_equal(fits.kinds, kinds)
    down, right, radius = fits.places.T
    assert min(down.min(), right.min()) > 12.9 and max(down.max(), right.max()) < 19.1
    assert radius.min() > 8.0 and radius.max() < 9.9


def test_a_missing_kind_lowers_recall():
    assert figures("real")["recall"] == 1
    assert figures("one kind missing")["recall"] == 24 / 25


def test_pictures_shown_again_and_again_lack_most_parts():
    repeated = figures("one picture of each kind, repeated")
    assert repeated["recall"] == 1 and repeated["parts"] == 0.25 and repeated["evenness"] > 0.99


def test_without_a_good_picture_all_figures_are_zero():
    assert set(figures("empty").values()) == {0.0}
