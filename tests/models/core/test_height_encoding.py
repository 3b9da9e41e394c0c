import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.core.height_encoding import HeightEncoding


def terrain(rng, n, px=16):
    """Tiles from plains to high mountains, at elevations from below sea level to the highest plateaus."""
    shape = np.cumsum(np.cumsum(rng.standard_normal((n, px, px)), 1), 2)
    shape -= shape.mean((1, 2), keepdims=True)
    shape /= shape.std((1, 2), keepdims=True)
    relief = 10 ** rng.uniform(-1, 3, (n, 1, 1))
    return (rng.uniform(-400, 6000, (n, 1, 1)) + relief * shape).astype(np.float32)


TILES = terrain(np.random.default_rng(0), 400)
ENCODING = HeightEncoding.fit([TILES[:150], TILES[150:]], sigma_data=0.5)


def back(tiles):
    return ENCODING.decode(*ENCODING.encode(tiles))


def test_image_and_facts_have_the_spread_that_the_network_expects():
    image, facts = ENCODING.encode(TILES)
    assert image.shape == (400, 1, 16, 16) and facts.shape == (400, 2)
    assert image.dtype == facts.dtype == np.float32
    assert image.std() == pytest.approx(0.5, rel=1e-3) and abs(image.mean()) < 1e-5
    assert np.allclose(facts.std(axis=0), 1, rtol=1e-3) and np.allclose(facts.mean(axis=0), 0, atol=1e-5)


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    base=st.floats(-11_000, 9_000),
    relief=st.floats(0, 9_000),
    px=st.sampled_from([2, 8, 33]),
)
def test_any_tile_comes_back(seed, base, relief, px):
    tile = (base + relief * np.random.default_rng(seed).random((1, px, px))).astype(np.float32)
    # A few units in the last place of the largest height, and of the facts, which are float32 too.
    assert np.abs(back(tile) - tile).max() <= 1e-5 * (abs(base) + relief + 100)


def test_a_flat_tile_stays_flat():
    flat = np.full((1, 8, 8), 1234.5, np.float32)
    assert np.ptp(back(flat)) == 0 and abs(back(flat)[0, 0, 0] - 1234.5) < 0.01


def test_relief_and_elevation_survive_separately():
    low, high = TILES[:1] * 0.01, TILES[:1] * 0.01 + 3000
    image, facts = ENCODING.encode(np.concatenate([low, high]))
    assert np.allclose(image[0], image[1], atol=2e-3)  # rounding of float32 heights at 3000 m
    assert facts[0, 0] == pytest.approx(facts[1, 0], abs=2e-3) and facts[0, 1] < facts[1, 1] - 0.1


def test_a_terrain_is_as_high_and_as_steep_as_its_facts_say():
    image, facts = ENCODING.encode(TILES)
    assert np.allclose(ENCODING.decode(image * 0.3 + 0.2, facts), TILES, rtol=1e-4, atol=0.05)
    noise = np.random.default_rng(1).standard_normal(image.shape)
    heights = ENCODING.decode(noise, facts)
    assert np.allclose(heights.mean(axis=(1, 2)), TILES.mean(axis=(1, 2)), rtol=1e-4, atol=0.01)
    assert np.allclose(heights.std(axis=(1, 2)), TILES.std(axis=(1, 2)), rtol=1e-3, atol=0.01)
    assert np.allclose(back(heights), heights, rtol=1e-4, atol=0.01)


def test_drawn_facts_are_distributed_as_the_train_tiles_are():
    facts = ENCODING.encode(TILES)[1]
    drawn = np.stack([ENCODING.draw(np.random.default_rng([3, index])) for index in range(2000)])
    assert np.allclose(drawn.mean(axis=0), 0, atol=0.1) and np.allclose(drawn.std(axis=0), 1, atol=0.1)
    spots = np.linspace(0.05, 0.95, 19)
    assert np.abs(np.quantile(drawn, spots, axis=0) - np.quantile(facts, spots, axis=0)).max() < 0.25
    assert not np.isin(drawn[:, 0], np.asarray(ENCODING.known, np.float32)[:, 0]).any(), "no tile is copied"
    assert np.array_equal(drawn[7], ENCODING.draw(np.random.default_rng([3, 7])))


def test_equal_tiles_can_be_measured_and_none_cannot():
    flat = np.full((3, 8, 8), 7.0, np.float32)
    encoding = HeightEncoding.fit([flat], 0.5)
    assert np.allclose(encoding.decode(*encoding.encode(flat)), flat)
    assert np.allclose(encoding.draw(np.random.default_rng(0)), 0)
    with pytest.raises(ValueError, match="no tiles"):
        HeightEncoding.fit([], 0.5)


def test_voids_are_refused():
    tile = TILES[:1].copy()
    tile[0, 3, 3] = np.nan
    with pytest.raises(ValueError, match="voids"):
        ENCODING.encode(tile)


def test_it_is_written_and_read():
    assert HeightEncoding.from_dict(json.loads(json.dumps(ENCODING.to_dict()))) == ENCODING
    with pytest.raises(ValueError, match="colour"):
        HeightEncoding.from_dict({"kind": "colour"})
