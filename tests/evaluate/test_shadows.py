"""Shadow leakage finds light that was painted in, from where it comes, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.evaluate.painting.shadows import AZIMUTHS, leakage
from tasks.relief.shade.hillshade import hillshade
from tests.shard.small import terrain

GSD = 90.0


@pytest.fixture(scope="module")
def ground() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    height = np.stack([terrain(rng, 400.0, 64) for _ in range(12)])
    return height, (height > np.median(height)).astype(np.uint8)


def grey(values: np.ndarray) -> np.ndarray:
    return np.repeat(np.clip(values, 0, 255).astype(np.uint8)[..., None], 3, axis=-1)


def measure(color, height, labels):
    return leakage(color, height, labels, GSD, 50, np.random.default_rng(1))


def test_a_lit_texture_leaks_and_the_curve_turns_with_the_sun(ground):
    height, labels = ground
    for azimuth in (315.0, 90.0):
        lit = np.stack([hillshade(tile, GSD, azimuth) for tile in height])
        found = measure(grey(255 * lit), height, labels)
        assert AZIMUTHS[np.argmax(found.curve)] == azimuth
        if azimuth == 315.0:
            assert found.leak > 0.8 and found.low > 0.7
        else:
            assert found.leak < 0  # lit from the other side


def test_classes_heights_and_noise_are_no_light(ground):
    height, labels = ground
    rng = np.random.default_rng(9)
    for color in (
        grey(80 + 100 * labels),  # what a class looks like
        grey(255 * (height / height.max())),  # bright summits: no direction
        rng.integers(0, 256, (*height.shape, 3), np.uint8),
    ):
        found = measure(color, height, labels)
        assert abs(found.leak) < 0.06
        assert found.low <= found.leak <= found.high


def test_half_the_light_is_less_than_all_of_it(ground):
    height, labels = ground
    rng = np.random.default_rng(4)
    lit = np.stack([hillshade(tile, GSD) for tile in height])
    noise = rng.normal(0, 25, lit.shape)
    leaks = [measure(grey(128 + share * 300 * (lit - 0.7) + noise), height, labels).leak for share in (0, 0.3, 1)]
    assert leaks[0] < 0.05 < leaks[1] < leaks[2]


def test_a_plain_has_nothing_to_leak():
    flat = np.zeros((3, 16, 16), np.float32)
    found = measure(grey(np.full((3, 16, 16), 90.0)), flat, np.zeros((3, 16, 16), np.uint8))
    assert found.leak == found.low == found.high == 0
