"""A plane is the same wherever one looks at it from, and windows leave no trace in it."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.core.errors import LandloomError
from tasks.generate.world import blend
from tasks.generate.world.agree import Agreeing
from tasks.generate.world.blend import Blended, cut
from tasks.generate.world.ground import World
from tasks.generate.world.noise import normal


@pytest.mark.parametrize("steps", [1, 2])
def test_a_height_does_not_depend_on_what_else_is_read_nor_on_the_order(model, steps):
    whole = World(model, 7, "High mountains.", steps=steps).read(-9, -30, 50, 61)
    assert whole.dtype == np.float32 and np.isfinite(whole).all() and np.ptp(whole) > 1
    backwards = World(model, 7, "High mountains.", steps=steps)
    for row, col, rows, cols in ((30, 20, 11, 11), (0, 0, 1, 1), (-9, -30, 17, 40)):
        part = backwards.read(row, col, rows, cols)
        assert np.array_equal(part, whole[row + 9 : row + 9 + rows, col + 30 : col + 30 + cols])


def test_seed_and_words_change_the_world(model):
    one = World(model, 7, "High mountains.").read(0, 0, 16, 16)
    assert not np.array_equal(one, World(model, 8, "High mountains.").read(0, 0, 16, 16))
    assert not np.array_equal(one, World(model, 7, "A flat plain.").read(0, 0, 16, 16))


def test_noise_is_one_field(model):
    whole = normal((3, 0), -40, 7, 90, 70)
    assert np.array_equal(whole[31:52, 11:30], normal((3, 0), -9, 18, 21, 19))
    assert abs(whole.mean()) < 0.05 and abs(whole.std() - 1) < 0.05
    assert not np.array_equal(whole, normal((3, 1), -40, 7, 90, 70))


def test_weights_sum_to_one_and_a_surface_of_all_windows_comes_back():
    def make(corners):
        return np.stack([slope(row, col, 16) for row, col in corners])

    def slope(row, col, side):
        rows, cols = np.mgrid[row : row + side, col : col + side].astype(float)
        return 3 * rows - 2 * cols

    across = 2
    plane = Blended(16, 4, across, make)
    assert np.allclose(plane.read(-37, 5, 60, 41), slope(-37, 5, 60)[:, :41], atol=1e-9)
    corners = [(row, col) for row in range(0, 8 * across, 8) for col in range(0, 8 * across, 8)]
    assert np.allclose(cut(plane, corners, 16), make(corners), atol=1e-4)


def test_memory_is_capped_by_bytes_and_what_was_dropped_comes_back(monkeypatch):
    made = []

    def make(corners):
        made.append(corners[0])
        return np.stack([np.full((16, 16), row + 3.0 * col, np.float32) for row, col in corners])

    plane = Blended(16, 0, 2, make)
    monkeypatch.setattr(blend, "KEPT", 3 * 4 * 16 * 16 * 4)  # three batches of four windows
    one = plane.read(0, 0, 16, 128)
    assert len(plane._kept) == 3 and len(made) > 3 and plane._bytes == sum(each.nbytes for each in plane._kept.values())
    count = len(made)
    assert np.array_equal(plane.read(0, 0, 16, 128), one) and len(made) > count
    monkeypatch.setattr(blend, "KEPT", 1)  # less than one batch
    assert np.array_equal(plane.read(0, 0, 16, 128), one) and len(plane._kept) == 1


class Ramp:
    """A coarse map that a person gives: a straight slope."""

    def read(self, row, col, rows, cols):
        return np.fromfunction(lambda r, c: 2000 + 100 * (row + r) - 40 * (col + c), (rows, cols))


def test_the_ground_follows_a_given_coarse_map(model):
    given = World(model, 7, given=Ramp()).read(0, 0, 64, 64)
    means = given.reshape(16, 4, 16, 4).mean(axis=(1, 3))
    wanted = Ramp().read(0, 0, 16, 16)
    assert np.sqrt(np.mean(np.square(means - wanted))) < 0.1 * wanted.std()


def test_what_windows_miss_of_the_coarse_map_is_added_without_edges():
    class Wave:
        def read(self, row, col, rows, cols):
            return np.fromfunction(lambda r, c: 30 * np.sin((row + r) / 5) + 20 * np.cos((col + c) / 4), (rows, cols))

    class Nothing:
        def read(self, row, col, rows, cols):
            return np.zeros((rows, cols))

    plane = Agreeing(Nothing(), Wave(), 8)
    found = plane.read(-21, 3, 160, 160)
    assert np.array_equal(found[13:40, 50:90], plane.read(-8, 53, 27, 40))
    means = plane.read(0, 0, 160, 160).reshape(20, 8, 20, 8).mean(axis=(1, 3))
    assert np.abs(means - Wave().read(0, 0, 20, 20)).max() < 1.0
    bends = np.abs(np.diff(found, 3, axis=0))
    assert bends.max() < 0.001  # bilinear patches have 0.07


def test_what_a_model_cannot_do_is_told(model, monkeypatch):
    with pytest.raises(LandloomError, match="--steps 3: this model takes 1 or 2"):
        World(model, 7, steps=3)
    with pytest.raises(LandloomError, match="--guidance 5: this model takes 1 to 4"):
        World(model, 7, "Hills.", guidance=5.0)
    monkeypatch.setattr(model, "windows", None)
    with pytest.raises(LandloomError, match="trained without the condition 'coarse'"):
        World(model, 7)
