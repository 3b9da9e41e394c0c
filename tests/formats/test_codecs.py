"""Encoding and decoding of arrays by the codecs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tasks.formats.shards.codecs import CODECS, quantisation
from tasks.formats.shards.example import entry, example, parse

HEIGHTS = hnp.arrays(
    np.float32, st.integers(8, 20).map(lambda side: (side, side)), elements=st.floats(-11000, 9000, width=32)
)


def through(codec: str, array: np.ndarray, step: float | None = None) -> np.ndarray:
    encode, decode = CODECS[codec]
    features = parse(example([entry(name, feature) for name, feature in encode("a", array, step).items()]))
    out = np.empty_like(array)
    decode("a", features, out)
    return out


@given(HEIGHTS, st.sampled_from([0.01, 0.1, 0.5, 1.0]), st.booleans())
def test_heights_come_back_within_half_a_step(heights, step, void):
    if void:
        heights[0, :3] = np.nan
    used, offset = quantisation(heights, step)
    found = through("png16", heights, step)
    assert np.array_equal(np.isnan(found), np.isnan(heights))
    # Besides half a step: the precision of a float32 of this size.
    assert np.nanmax(np.abs(found - heights), initial=0) <= used / 2 + 2 * np.spacing(np.float32(20000))


def test_the_step_grows_only_where_the_range_needs_it():
    flat = np.linspace(0, 6000, 64, dtype=np.float32).reshape(8, 8)
    steep = np.linspace(-3000, 6000, 64, dtype=np.float32).reshape(8, 8)
    assert quantisation(flat, 0.1)[0] == np.float32(0.1)
    assert quantisation(steep, 0.1)[0] == 2 * np.float32(0.1)
    assert np.abs(through("png16", steep, 0.1) - steep).max() <= 0.1001


def test_overlapping_tiles_round_the_same_ground_alike():
    ground = np.random.default_rng(0).uniform(0, 300, (16, 24)).astype(np.float32)
    left, right = through("png16", ground[:, :16].copy(), 0.5), through("png16", ground[:, 8:].copy(), 0.5)
    assert np.array_equal(left[:, 8:], right[:, :8])


def test_all_void_and_all_flat():
    assert np.isnan(through("png16", np.full((8, 8), np.nan, np.float32), 0.1)).all()
    assert np.allclose(through("png16", np.full((8, 8), 12.3, np.float32), 0.1), 12.3, atol=0.051)


def test_an_infinite_height_is_refused():
    with pytest.raises(ValueError, match="infinite"):
        through("png16", np.array([[0, np.inf]] * 2, np.float32), 0.1)


@given(hnp.arrays(np.uint8, st.sampled_from([(8, 8), (9, 9, 3)])), st.sampled_from(["raw", "png8"]))
def test_bytes_come_back_exactly(array, codec):
    assert np.array_equal(through(codec, array), array)


def test_webp_of_a_higher_quality_is_nearer_to_the_picture():
    y, x = np.mgrid[:64, :64]
    picture = np.stack([x * 4, y * 4, 128 + 60 * np.sin((x + y) / 5)], axis=-1).astype(np.uint8)
    errors = [np.abs(through("webp", picture, quality).astype(int) - picture).mean() for quality in (10, 75, 95)]
    assert errors[0] > errors[1] > errors[2] and errors[1] < 4
    assert np.array_equal(through("webp", picture, 75), through("webp", picture, 75))


@given(hnp.arrays(np.float32, (8, 8)))
def test_raw_floats_come_back_bit_for_bit(array):
    assert through("raw", array).tobytes() == array.tobytes()


@pytest.mark.parametrize("codec", ["png8", "png16", "webp"])
def test_bytes_that_are_no_png_are_refused(codec):
    features = {"a": [memoryview(b"not a png")], "a/scale": np.ones(2)}
    with pytest.raises(ValueError, match="PNG"):
        CODECS[codec][1]("a", features, np.empty((8, 8), np.float32))


def test_a_picture_of_another_size_is_refused():
    features = parse(example([entry("a", CODECS["png8"][0]("a", np.zeros((9, 9), np.uint8), None)["a"])]))
    with pytest.raises(ValueError, match="should be"):
        CODECS["png8"][1]("a", features, np.empty((8, 8), np.uint8))
