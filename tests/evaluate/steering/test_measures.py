"""Measures of sketches, seams, block means and retrieval, on ground whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from models.core.conditions import block_means
from models.core.sketch import lines
from tasks.evaluate.heights.steering.conditions.known import rectangles, seam_gradient
from tasks.evaluate.heights.steering.conditions.sketch import likeness
from tasks.evaluate.heights.steering.part import Answer, Held, interval, others, summarise
from tasks.evaluate.heights.steering.retrieval import retrieval
from tests.evaluate.landscape import landscapes

GSD = 90.0


def test_an_even_slope_has_no_seam_and_a_step_has_one():
    rows, cols = np.mgrid[0:32, 0:32]
    slope = np.stack([5.0 * rows + 5.0 * cols]).astype(np.float32)
    holes = np.zeros((1, 32, 32), bool)
    holes[:, 8:20, 10:24] = True
    assert seam_gradient(slope, holes) == pytest.approx(1.0)
    assert seam_gradient(np.where(holes, slope + 10, slope), holes)[0] == pytest.approx(2.0)
    assert np.isnan(seam_gradient(np.zeros((1, 32, 32), np.float32), holes)).all()


def test_rectangles_lie_inside_with_a_margin():
    holes = rectangles(50, 32, np.random.default_rng(1))
    rim = np.ones((32, 32), bool)
    rim[1:-1, 1:-1] = False
    assert not holes[:, rim].any() and holes.any(axis=(1, 2)).all()
    share = holes.mean(axis=(1, 2))
    assert share.min() > 0.05 and share.max() < 0.5 and share.std() > 0.03


def test_block_means():
    heights = np.arange(64, dtype=np.float32).reshape(1, 8, 8)
    assert block_means(heights, 4)[0].tolist() == [[13.5, 17.5], [45.5, 49.5]]


def test_lines_of_the_same_ground_are_alike_and_those_of_other_ground_are_not():
    drawn = lines(landscapes(12, 3))
    assert np.allclose(likeness(drawn, drawn), 1)
    shifted = np.roll(drawn, 1, axis=2)
    assert 0.5 < likeness(drawn, shifted).mean() < 1
    assert abs(likeness(drawn, np.roll(drawn, 1, axis=0)).mean()) < 0.2
    swapped = np.where(drawn == 0, 0, 3 - drawn).astype(np.uint8)
    assert np.allclose(likeness(drawn, swapped), -1)
    assert np.isnan(likeness(drawn, np.zeros_like(drawn))).all()


def pairs(count: int) -> Held:
    """Tiles of five reliefs, and captions that name them."""
    names = ["flat country", "gentle hills", "bold hills", "mountain country", "alpine heights"]
    which = np.arange(count) % len(names)
    tiles = landscapes(count, 8)
    tiles = tiles - tiles.mean(axis=(1, 2), keepdims=True)
    tiles = tiles / tiles.std(axis=(1, 2), keepdims=True) * (4.0**which)[:, None, None] + 500
    captions = [f"{names[kind]}, number {index}" for index, kind in enumerate(which)]
    return Held(tiles.astype(np.float32), captions, [{}] * count, ["hills"] * count)


def test_retrieval_finds_captions_of_tiles_that_follow_them_and_of_no_others():
    held = pairs(100)
    found = retrieval(held, held.heights, GSD, np.random.default_rng(1))
    five = found["recall_5"]
    assert np.isfinite(five.generated).sum() == 50 and np.array_equal(five.generated, five.real, equal_nan=True)
    assert np.nanmean(five.control) == pytest.approx(0.1) and np.nanmean(five.real) > 0.35
    assert np.nanmean(found["recall_1"].real) <= np.nanmean(five.real)
    order = np.random.default_rng(2).permutation(100)
    assert np.nanmean(retrieval(held, held.heights[order], GSD, np.random.default_rng(1))["recall_5"].generated) < 0.25
    again = retrieval(held, held.heights, GSD, np.random.default_rng(1))
    assert all(np.array_equal(again[name].generated, found[name].generated, equal_nan=True) for name in found)
    assert retrieval(pairs(20), held.heights[:20], GSD, np.random.default_rng(1)) == {}


@pytest.mark.parametrize("inputs", [list("abcdefgh"), list("aaaabbbc"), list("aabbcc"), list("aaaaab"), ["a"], []])
def test_the_control_of_a_tile_has_another_input_wherever_that_can_be(inputs):
    place, differs = others(inputs, np.random.default_rng(4))
    assert sorted(place) == list(range(len(inputs)))
    assert differs.tolist() == [inputs[index] != inputs[other] for index, other in enumerate(place)]
    most = max(map(inputs.count, inputs), default=0)
    assert differs.sum() == min(len(inputs), 2 * (len(inputs) - most))
    assert np.array_equal(place, others(inputs, np.random.default_rng(4))[0])


def test_shares_have_wilsons_interval():
    assert interval(np.array([1.0] * 7 + [0.0] * 3 + [np.nan]), True) == pytest.approx((0.397, 0.892), abs=1e-3)
    low, high = interval(np.array([0.0, 2.0] * 50), False)
    assert (low, high) == pytest.approx((1 - 0.196, 1 + 0.196))


def test_results_are_told_by_kind_and_unanswered_questions_are_left_out():
    kinds = ["plains", "plains", "mountains", "coast"]
    values = np.array([1.0, 0.0, 1.0, np.nan])
    answers = {
        "a": Answer("question", values, 1 - values, np.ones(4)),
        "b": Answer("none", values * np.nan, None, None),
    }
    metrics, table, details = summarise("text", answers, kinds)
    assert [metric.name for metric in metrics] == ["steering_text/a"] and metrics[0].floor == 1.0
    (row,) = table
    assert (row["tiles"], row["plains"], row["hills"], row["mountains"]) == (3, "50 %", "–", "100 %")
    assert row["generated"].startswith("67 % (") and row["another tile's"] == "33 %"
    assert details["a"]["counts"] == {"all": 3, "plains": 2, "hills": 0, "mountains": 1, "coast": 0}
    assert "b" not in details
