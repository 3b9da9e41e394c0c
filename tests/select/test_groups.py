"""Splits of pictures: groups stay whole, and no other choice of groups would meet the share better."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.errors import LandloomError
from tasks.select.groups import across, copies, joined, split_groups
from tasks.select.matches import Pairs
from tasks.select.split import NEITHER, TRAIN, VAL

sizes = st.lists(st.integers(1, 12), min_size=2, max_size=9)


def pairs(*rows):
    """Pairs of (first, second, overlap)."""
    first, second, overlap = (np.array(part) for part in zip(*rows, strict=True))
    return Pairs(first, second, np.full(len(rows), 9), overlap, np.zeros(len(rows), bool))


@given(sizes=sizes, share=st.floats(0.05, 0.9), seed=st.integers(0, 5))
def test_groups_stay_whole_and_the_share_is_met_as_closely_as_they_allow(sizes, share, seed):
    groups = [f"sheet{k}" for k, size in enumerate(sizes) for _ in range(size)]
    regions = [f"r{k % 2}" for k, size in enumerate(sizes) for _ in range(size)]
    sides = split_groups(groups, regions, share, seed)
    by_group = {
        name: {side for other, side in zip(groups, sides.tolist(), strict=True) if other == name} for name in groups
    }
    assert all(len(found) == 1 for found in by_group.values()) and set(sides) == {TRAIN, VAL}
    sums = {sum(some) for count in range(1, len(sizes)) for some in combinations(sizes, count)}
    wanted = share * len(groups)
    assert abs((sides == VAL).sum() - wanted) == pytest.approx(min(abs(total - wanted) for total in sums))


def test_many_groups_of_all_regions_in_their_shares():
    rng = np.random.default_rng(0)
    groups = np.repeat([f"g{k}" for k in range(3000)], rng.integers(1, 9, 3000))
    regions = np.array(["a" if int(name[1:]) < 600 else "b" for name in groups])
    sides = split_groups(groups.tolist(), regions.tolist(), 0.2, 1)
    assert (sides == VAL).sum() == round(0.2 * len(groups))
    assert (sides == VAL)[regions == "a"].mean() == pytest.approx(0.2, abs=0.04)
    assert (split_groups(groups.tolist(), regions.tolist(), 0.2, 2) != sides).any()


def test_one_group_cannot_be_split():
    with pytest.raises(LandloomError, match="all 5 tiles are of one sheet"):
        split_groups(["sheet"] * 5, ["r"] * 5, 0.2, 0)
    assert (split_groups(["sheet"] * 5, ["r"] * 5, 0.0, 0) == TRAIN).all()


@given(links=st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=15), seed=st.integers(0, 9))
def test_groups_are_the_components_of_sources_and_near_duplicates(links, seed):
    blocks = np.array([f"s{k}" for k in np.random.default_rng(seed).integers(0, 8, 20)], object)
    first, second = (np.array([link[k] for link in links], np.int64) for k in (0, 1))
    found = joined(blocks, first, second)
    parent = {name: name for name in blocks}  # a plain union
    for a, b in zip(first.tolist(), second.tolist(), strict=True):
        one, other = parent[blocks[a]], parent[blocks[b]]
        parent = {name: min(one, other) if group in (one, other) else group for name, group in parent.items()}
    assert found.tolist() == [parent[name] for name in blocks]


def test_copies_of_copies_name_a_tile_that_is_kept():
    again, first = copies(pairs((0, 1, 0.9), (1, 2, 0.95), (0, 2, 0.7), (3, 4, 0.5), (2, 5, 0.9)), 0.8)
    assert dict(zip(again.tolist(), first.tolist(), strict=True)) == {1: 0, 5: 2}
    assert len(copies(pairs((0, 1, 1.0)), None)[0]) == 0


def test_a_copy_on_the_other_side_leaves_the_train_side():
    sides = np.array([TRAIN, VAL, TRAIN, NEITHER, VAL])
    train, val = across(pairs((0, 1, 0.3), (0, 2, 0.3), (3, 4, 0.3), (0, 4, 0.3)), sides)
    assert train.tolist() == [0] and val[0] in (1, 4)
