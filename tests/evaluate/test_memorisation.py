"""A planted copy is found whichever way up it lies, and plains are not taken for copies."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.evaluate import memorisation
from tasks.evaluate.memorisation import judge, pose, thumbnails
from tasks.evaluate.terrain.medium import EPSILON
from tests.evaluate.landscape import landscapes


def nearest(tiles: np.ndarray, train: np.ndarray) -> memorisation.Nearest:
    return memorisation.nearest(tiles, train, EPSILON)


@pytest.fixture(scope="module")
def train() -> np.ndarray:
    return landscapes(90, 20)


@pytest.fixture(scope="module")
def held_out(train):
    return nearest(thumbnails(landscapes(60, 21)), thumbnails(train))


@pytest.mark.parametrize("which", range(8))
def test_a_planted_copy_is_caught_in_every_pose(train, held_out, which):
    generated = landscapes(30, 22)
    noise = np.random.default_rng(which).standard_normal((32, 32)).astype(np.float32)
    generated[7] = pose(train[41], which) + 333 + noise  # higher up, and not the same to the bit
    found = nearest(thumbnails(generated), thumbnails(train))
    assert found.distances.argmin() == 7 and found.rows[7] == 41
    assert np.abs(thumbnails(pose(generated[7], found.poses[7])[None]) - thumbnails(train[41][None])).max() < 2
    assert judge(found, held_out)["copies"] == 1


def test_honest_samples_are_as_near_as_chance(train, held_out):
    verdict = judge(nearest(thumbnails(landscapes(60, 23)), thumbnails(train)), held_out)
    assert verdict["copies"] == 0 and verdict["ratio"] == pytest.approx(1, abs=0.1)
    assert verdict["suspicious_share"] <= 0.07


def test_a_model_that_only_repeats_is_seen_in_the_ratio(train, held_out):
    verdict = judge(nearest(thumbnails(train[:40]), thumbnails(train)), held_out)
    assert verdict["ratio"] < 0.1 and verdict["suspicious_share"] == 1 and verdict["copies"] == 40


def test_distances_against_loops(train, monkeypatch):
    tiles, small = thumbnails(landscapes(6, 24)), thumbnails(train[:20])
    expected = [
        min(
            np.sqrt(
                (((pose(tile, k) - other) ** 2).mean() + 2 * EPSILON**2)
                / ((tile**2).mean() + (other**2).mean() + 2 * EPSILON**2)
            )
            for other in small
            for k in range(8)
        )
        for tile in tiles
    ]
    assert nearest(tiles, small).distances == pytest.approx(expected)
    monkeypatch.setattr(memorisation, "CHUNK", 7)
    again = nearest(tiles, small)
    assert again.distances == pytest.approx(expected) and again.rows.max() < 20


def test_two_plains_prove_nothing():
    plain = thumbnails(np.random.default_rng(1).normal(200, 0.05, (5, 32, 32)))
    assert nearest(plain, plain).distances.min() > 0.9


def test_the_eight_poses_are_eight(train):
    assert len({pose(train[0], which).tobytes() for which in range(8)}) == 8
    assert np.array_equal(pose(train[0], 0), train[0])


@pytest.mark.parametrize(("px", "side"), [(64, 16), (32, 16), (20, 10), (17, 1), (16, 16)])
def test_thumbnails_of_any_side(px, side):
    small = thumbnails(np.random.default_rng(1).normal(900, 9, (2, px, px)))
    assert small.shape == (2, side, side) and np.abs(small.mean(axis=(1, 2))).max() < 1e-9


def test_a_planted_copy_of_a_picture_is_caught_in_every_pose():
    rng = np.random.default_rng(3)
    pictures = rng.integers(0, 256, (12, 8, 8, 3), np.uint8).repeat(4, axis=1).repeat(4, axis=2)
    for which in range(8):
        planted = pose(np.moveaxis(pictures[5], -1, 0), which)[None]
        small = thumbnails(planted), thumbnails(np.moveaxis(pictures, -1, 1))
        found = memorisation.nearest(*small, epsilon=4.0)
        assert found.rows[0] == 5 and found.distances[0] < 0.1
