"""Pictures without heights: descriptors are finite, every control is told from real pictures, the stage runs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

import tasks.evaluate.run
from tasks.core.dag import StageEntry
from tasks.core.errors import LandloomError
from tasks.core.run import Run
from tasks.core.settings import Compute
from tasks.core.stage import Stage
from tasks.evaluate.compare import compare
from tasks.evaluate.image.controls import controls
from tasks.evaluate.image.descriptors import describe
from tasks.evaluate.image.measure import CONTROLS, PICTURES
from tasks.evaluate.params import Params
from tests.shard.small import grow, shard

OPTIONS = {"projections": 32, "bootstrap": 8, "seed": 3}


def pictures(count: int, seed: int, side: int = 32) -> np.ndarray:
    """A bright sky over dark ground with a sharp skyline and blobs of colour."""
    rng = np.random.default_rng([11, seed])
    out = np.empty((count, side, side, 3), np.uint8)
    for index in range(count):
        skyline = side * (0.4 + 0.2 * gaussian_filter(rng.standard_normal(side), 4) * 4)
        ground = np.arange(side)[:, None] > skyline
        fine = gaussian_filter(rng.standard_normal((side, side, 3)), (1, 1, 0)) * 60
        tint = rng.normal((150, 185, 235), 12), rng.normal((90, 105, 50), 18)
        out[index] = np.clip(np.where(ground[..., None], tint[1] + fine, tint[0] + fine / 8), 0, 255)
    return out


class Painter:
    """A model of pictures that returns those it was given."""

    product, gsd, classes, conditions, evaluations = "image", None, [], (), (1,)
    config = {"method": "toy"}

    def __init__(self, made: np.ndarray):
        self._made, self.px = made, made.shape[1]

    def sample(self, indices, seed, steps=1, conditions=None):
        return self._made[np.asarray(list(indices))]


def test_descriptors_are_finite_for_plain_and_for_busy_pictures():
    flat, busy = (
        np.full((2, 32, 32, 3), 128, np.uint8),
        np.random.default_rng(1).integers(0, 256, (2, 32, 32, 3), np.uint8),
    )
    for tiles in (flat, busy, np.zeros_like(flat), np.full_like(flat, 255)):
        matrix, names = describe(tiles)
        assert matrix.shape == (2, len(names)) and np.isfinite(matrix).all()
    with pytest.raises(ValueError, match="must be uint8"):
        describe(flat.astype(float))


def test_controls_keep_the_shape_and_break_what_they_say():
    real = pictures(6, 1)
    bad = controls(real, 5)
    assert list(bad) == list(CONTROLS)
    for name, tiles in bad.items():
        assert tiles.shape == real.shape and tiles.dtype == np.uint8, name
        assert np.array_equal(tiles, controls(real, 5)[name]), name
        assert not np.array_equal(tiles, real), name
    for name in ("blocks", "shuffle"):
        assert np.array_equal(np.sort(bad[name].reshape(6, -1)), np.sort(real.reshape(6, -1)))
    # Byte values are cut off at both ends, so spectra and colours are kept only about.
    assert np.abs(bad["noise"].mean(axis=(1, 2)) - real.mean(axis=(1, 2))).max() < 12


def test_every_control_is_told_from_real_pictures_and_good_ones_are_not():
    generated = {"steps1": pictures(40, 4), "steps2": pictures(2, 4).repeat(20, axis=0)}
    numbers = compare(pictures(80, 2), pictures(80, 3), generated, PICTURES, **OPTIONS).numbers
    assert all(numbers["worse_than_floor"]["swd"].values()), numbers["worse_share"]["swd"]
    sets = numbers["sets"]
    assert sets["steps1"]["swd"]["low"] < sets["floor_train"]["swd"]["high"]
    assert sets["steps2"]["recall"]["high"] < sets["floor_train"]["recall"]["low"]
    assert numbers["below_noise"]["steps1"] == 1


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("photographs")
    shard(grow(root / "data/toy", layers=("color",), photographs=True))
    return root


def evaluate(root: Path, model: Painter, monkeypatch) -> dict:
    monkeypatch.setattr(tasks.evaluate.run, "load_model", lambda folder: model)
    params = Params(samples=20, tiles=40, projections=8, bootstrap=4)
    tasks.evaluate.run.run(
        Stage(StageEntry("evaluate", "toy", (), (), ()), params, 3, Compute(engine="serial", workers=1), Run(), root)
    )
    return json.loads((root / "data/toy/evaluation/metrics.json").read_text())


def test_the_stage_judges_pictures_without_gsd_and_never_says_metres(root, monkeypatch):
    account = evaluate(root, Painter(pictures(20, 6)), monkeypatch)
    assert account["product"] == "image" and account["gsd"] is None and account["headline"] == "swd/steps1"
    text = json.dumps({key: value for key, value in account.items() if key != "details"})
    assert "metre" not in text and "terrain" not in text
    assert any("they are no FID" in note for note in account["notes"])
    drawn = {path.stem for path in (root / "data/toy/pictures/evaluate").iterdir()}
    assert drawn == {picture["name"] for picture in account["pictures"]} >= {"tiles", "curves", "nearest_steps1"}


def test_a_model_of_other_tiles_is_refused(root, monkeypatch):
    with pytest.raises(LandloomError, match="the model makes 16 pixels, the shards hold 32"):
        evaluate(root, Painter(pictures(20, 6, side=16)), monkeypatch)


def test_a_product_that_nobody_measures_is_told_by_name(root, monkeypatch):
    model = Painter(pictures(20, 6))
    model.product = "sculptures"
    with pytest.raises(LandloomError, match="tasks/evaluate/sculptures is missing"):
        evaluate(root, model, monkeypatch)
