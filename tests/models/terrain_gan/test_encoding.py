import json

import numpy as np
import pytest
import torch

from models.terrain_gan.encoding import MARGIN, ColorHeightEncoding


def land(n=20, px=16):
    rng = np.random.default_rng(0)
    return (np.exp(rng.normal(5, 2, (n, 1, 1))) * rng.random((n, px, px)) - 200).astype(np.float32)


LAND = land()
ENCODING = ColorHeightEncoding.fit([LAND[:7], LAND[7:]], gsd=100.0)


def test_colours_and_heights_come_back():
    color = np.random.default_rng(1).integers(0, 256, (20, 16, 16, 3), np.uint8)
    color[0, 0, :, 0] = np.arange(16) * 17
    image, height = ENCODING.encode(color, LAND)
    assert image.shape == (20, 3, 16, 16) and height.shape == (20, 1, 16, 16)
    back = ENCODING.decode(image, height)
    assert np.array_equal(back[0], color) and np.allclose(back[1], LAND, rtol=2e-6, atol=1e-4)
    assert abs(image).max() <= 1 and abs(height).max() == pytest.approx(1 / MARGIN)
    assert np.allclose(ENCODING.metres(torch.from_numpy(height))[:, 0].numpy(), LAND, rtol=1e-4, atol=0.01)


def test_every_level_of_grey_comes_back():
    grey = np.repeat(np.arange(256, dtype=np.uint8)[None, None, :, None], 3, axis=3)
    assert np.array_equal(ENCODING.decode(*ENCODING.encode(grey, np.zeros((1, 1, 256))))[0], grey)


def test_the_sea_stays_at_zero_and_its_floor_below():
    height = ENCODING.encode(np.zeros((1, 1, 3, 3), np.uint8), np.array([[[0.0, -50.0, 50.0]]]))[1]
    assert height[0, 0, 0, 0] == 0 and height[0, 0, 0, 1] == -height[0, 0, 0, 2] < 0


def test_it_is_measured_over_all_chunks():
    assert pytest.approx(ENCODING.bend) == ColorHeightEncoding.fit([LAND], 100.0).bend
    rise = [np.diff(LAND.astype(float), axis=axis).ravel() / 100 for axis in (1, 2)]
    assert pytest.approx(np.sqrt(np.square(np.concatenate(rise)).mean())) == ENCODING.slope


def test_flat_land_can_be_measured_and_none_and_voids_cannot():
    flat = ColorHeightEncoding.fit([np.zeros((2, 4, 4))], 10.0)
    assert np.array_equal(
        flat.decode(*flat.encode(np.zeros((2, 4, 4, 3), np.uint8), np.zeros((2, 4, 4))))[1], np.zeros((2, 4, 4))
    )
    with pytest.raises(ValueError, match="no tiles"):
        ColorHeightEncoding.fit([], 10.0)
    void = LAND[:1].copy()
    void[0, 1, 1] = np.nan
    with pytest.raises(ValueError, match="voids"):
        ColorHeightEncoding.fit([void], 10.0)
    with pytest.raises(ValueError, match="voids"):
        ENCODING.encode(np.zeros((1, 16, 16, 3), np.uint8), void)


def test_it_is_written_and_read():
    assert ColorHeightEncoding.from_dict(json.loads(json.dumps(ENCODING.to_dict()))) == ENCODING
    with pytest.raises(ValueError, match="'height' does not paint"):
        ColorHeightEncoding.from_dict({"kind": "height"})
