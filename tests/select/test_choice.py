"""Rules, the quota, and orders that depend only on names."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.errors import LandloomError
from tasks.core.settings import validate
from tasks.select.order import shuffled
from tasks.select.params import AnyOf, Bound, Params
from tasks.select.rules import apply_rules
from tasks.select.stratify import choose, relief_bins, water_fill
from tests.select.small import PARAMS


def test_the_first_rule_that_fails_is_the_reason():
    tiles = pd.DataFrame({"void_share": [0.0, 0.2, 0.0, 0.0], "relief": [50.0, 1.0, 1.0, np.nan]})
    rules = [Bound(column="void_share", max=0), Bound(column="relief", min=2, max=1e4)]
    assert apply_rules(tiles, rules).tolist() == [None, "void_share > 0", "relief < 2", "relief is unknown"]
    assert apply_rules(tiles, rules[::-1]).tolist() == [None, "relief < 2", "relief < 2", "relief is unknown"]
    assert apply_rules(tiles, []).tolist() == [None] * 4


def test_a_rule_with_several_bounds_drops_what_fails_all_of_them():
    """The rule of open sea: little contrast and little green; either alone is kept."""
    tiles = pd.DataFrame({"rgb_std": [5.0, 15, 15, 30, np.nan], "color_mean_green": [30.0, 30, 60, 30, 60]})
    sea = AnyOf(any=[{"column": "rgb_std", "min": 20}, {"column": "color_mean_green", "min": 42}])
    assert apply_rules(tiles, [Bound(column="rgb_std", min=6), sea]).tolist() == [
        "rgb_std < 6",
        "rgb_std < 20 and color_mean_green < 42",
        None,
        None,
        "rgb_std is unknown",
    ]
    params = Params.model_validate(PARAMS | {"rules": [{"column": "relief", "min": 2}, sea.model_dump()]})
    assert [type(rule) for rule in params.rules] == [Bound, AnyOf]
    assert Params.model_validate(params.model_dump(mode="json")) == params


def test_a_rule_about_pictures_is_refused_where_there_are_heights():
    with pytest.raises(LandloomError, match="sharpness is measured of pictures only"):
        apply_rules(pd.DataFrame({"relief": [1.0]}), [Bound(column="sharpness", min=5)])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rules": [{"any": [{"column": "relief", "min": 3}]}]}, r"rules\.0\.any: .*at least 2"),
        (
            {"rules": [{"any": [{"column": "relief", "min": 3}, {"column": "up", "min": 3}]}]},
            r"any\.1\.column: there is",
        ),
        ({"balance_by": "relief"}, r"select\.balance_by: pictures have no such statistic"),
        ({"balance_bins": [5, 1]}, "ascend"),
        (
            {"rules": [{"column": "steepness", "max": 1}]},
            r"select\.rules\.0\.column: there is no such statistic; .*relief",
        ),
        ({"rules": [{"column": "relief"}]}, "needs min, max or both"),
        ({"rules": [{"column": "relief", "min": 3, "max": 2}]}, "no tile could pass"),
        ({"rules": [{"column": "relief", "minimum": 3}]}, r"rules\.0\.minimum: unknown key"),
        ({"relief_bins": [0, 30, 30]}, "ascend"),
        ({"stride": 1}, "nearly the same"),
        ({"duplicate_bits": 40}, r"select\.duplicate_bits"),
        ({"val_share": 1.0}, r"select\.val_share"),
    ],
)
def test_impossible_parameters_are_told_by_name(change, message):
    with pytest.raises(LandloomError, match=message):
        validate(Params, PARAMS | change, "datasets.terrain.select")


@given(counts=st.lists(st.integers(0, 50), min_size=1, max_size=12), quota=st.integers(0, 300))
def test_water_filling_is_even_and_wastes_nothing(counts, quota):
    taken = water_fill(np.array(counts), quota)
    assert (taken <= counts).all() and taken.sum() == min(quota, sum(counts))
    short = taken < counts  # strata with more candidates keep as many tiles as any other, or one fewer
    assert not short.any() or taken.max() - taken[short].min() <= 1


@given(seed=st.integers(0, 5), quota=st.integers(1, 40), shuffle=st.randoms())
def test_the_choice_does_not_hang_on_the_order(seed, quota, shuffle):
    tiles = [(f"tile{k}", (k % 3, f"region{k % 2}")) for k in range(60)]
    first = {
        key for (key, _), taken in zip(tiles, choose(*zip(*tiles, strict=True), quota, seed), strict=True) if taken
    }
    shuffle.shuffle(tiles)
    again = {
        key for (key, _), taken in zip(tiles, choose(*zip(*tiles, strict=True), quota, seed), strict=True) if taken
    }
    assert first == again and len(first) == quota


def test_plains_get_their_share():
    """900 mountains and 100 plains under a quota of 200: the plains all stay."""
    relief = np.array([2000.0] * 900 + [10.0] * 100)
    bins = relief_bins(relief, [0, 30, 100, 300, 1000, 10000])
    taken = choose([f"tile{k}" for k in range(1000)], [(int(number), "r") for number in bins], 200, 0)
    assert taken[relief < 30].sum() == 100 and taken.sum() == 200


def test_relief_beyond_the_bins_counts_with_the_nearest():
    assert relief_bins(np.array([-1.0, 5, 10, 99, np.nan]), [0, 10, 20]).tolist() == [0, 0, 1, 1, -1]


def test_names_keep_their_order_when_others_come():
    names = [f"block{k}" for k in range(50)]
    few = [names[k] for k in shuffled(names, 3, "split")]
    many = [(names + ["new"])[k] for k in shuffled([*names, "new"], 3, "split")]
    assert [name for name in many if name != "new"] == few
    assert few != [names[k] for k in shuffled(names, 4, "split")]
