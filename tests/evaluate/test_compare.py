"""The suite as a whole: what is bad scores worse than the floor, what is good does not."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from tasks.core.errors import LandloomError
from tasks.evaluate.compare import MEASURES, Comparison, compare
from tasks.evaluate.terrain.medium import terrain
from tests.evaluate.landscape import GSD, landscapes

MEDIUM = terrain(GSD)
NAMES = [measure.name for measure in MEASURES]
OPTIONS = {"projections": 64, "bootstrap": 16, "seed": 3}


@pytest.fixture(scope="module")
def found() -> Comparison:
    good = landscapes(60, 12)
    generated = {"good": good, "taller": 2.0 * good, "collapsed": good[:4].repeat(15, axis=0) + np.float32(0.5)}
    return compare(landscapes(160, 10), landscapes(120, 11), generated, MEDIUM, **OPTIONS)


def test_every_control_is_told_from_real_terrain(found):
    verdicts = found.numbers["worse_than_floor"]
    for measure in ("swd", "w1", "kid", "coverage", "density"):
        assert all(verdicts[measure].values()), (measure, verdicts[measure])


def test_a_control_that_is_as_good_as_real_is_not_called_worse():
    honest = replace(MEDIUM, controls=lambda real, seed: {"noise": real[::-1].copy()})
    numbers = compare(landscapes(60, 10, 16), landscapes(60, 11, 16), {}, honest, **OPTIONS).numbers
    assert not any(worse["control_noise"] for worse in numbers["worse_than_floor"].values())
    assert numbers["worse_share"]["swd"]["control_noise"] < 0.9


def test_good_terrain_scores_like_the_floor_and_better_than_noise(found):
    sets = found.numbers["sets"]
    assert sets["good"]["swd"]["low"] < sets["floor_train"]["swd"]["high"]
    assert found.numbers["below_noise"]["good"] == 1
    assert sets["floor_halves"]["kid"]["low"] < 0.1


def test_faults_show_where_they_are(found):
    sets = found.numbers["sets"]
    floor, taller = sets["floor_train"]["w1_by_descriptor"], sets["taller"]["w1_by_descriptor"]
    assert taller["relief"] > floor["relief"] + 0.3
    assert taller["hypsometric_integral"] < floor["hypsometric_integral"] + 0.2
    assert sets["taller"]["swd"]["low"] > sets["good"]["swd"]["high"]
    assert sets["collapsed"]["recall"]["high"] < sets["floor_train"]["recall"]["low"]
    assert sets["collapsed"]["coverage"]["high"] < sets["floor_train"]["coverage"]["low"]


def test_numbers_are_whole_and_repeatable(found):
    numbers = found.numbers
    assert numbers["sample_size"] == 60 and numbers["tiles"]["val"] == 120
    for values in numbers["sets"].values():
        assert set(values) == {*NAMES, "w1_by_descriptor"}
        assert all(values[m]["low"] <= values[m]["mean"] <= values[m]["high"] for m in NAMES)
    json.dumps(numbers, allow_nan=False)
    alone = compare(landscapes(160, 10), landscapes(120, 11), {"good": landscapes(60, 12)}, MEDIUM, **OPTIONS)
    assert alone.numbers["sets"]["good"] == numbers["sets"]["good"]  # whatever else is compared


def test_floors_need_no_model():
    numbers = compare(landscapes(40, 1, 16), landscapes(40, 2, 16), {}, MEDIUM, **OPTIONS).numbers
    assert "floor_halves" in numbers["sets"] and numbers["below_noise"] == {}


def test_too_few_held_out_tiles_are_told_at_once():
    with pytest.raises(LandloomError, match="val split has 10 whole tiles.*take 16"):
        compare(landscapes(40, 1, 16), landscapes(10, 2, 16), {}, MEDIUM, **OPTIONS)
