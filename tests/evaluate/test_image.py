"""Pictures without heights: descriptors are finite, every control is told from real pictures, the stage runs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

import tasks.evaluate.run
from models.features import efficientnet
from tasks.core.dag import StageEntry
from tasks.core.errors import LandloomError
from tasks.core.hashing import file_sha256
from tasks.core.run import Run
from tasks.core.settings import Compute
from tasks.core.stage import Stage
from tasks.evaluate import memorisation
from tasks.evaluate.compare import compare, measures_of
from tasks.evaluate.floors import interval, resample
from tasks.evaluate.image.controls import controls
from tasks.evaluate.image.descriptors import describe
from tasks.evaluate.image.measure import CONTROLS, PICTURES
from tasks.evaluate.image.networks import network
from tasks.evaluate.params import Params
from tests.shard.small import grow, shard

OPTIONS = {"projections": 32, "bootstrap": 8, "seed": 3}


def space(name: str):
    """The features of a network, as the stage asks for them."""
    return network(SimpleNamespace(params=Params(network=name), say=print))


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
    assert [*bad, "collapse"] == list(CONTROLS)
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
    medium = replace(PICTURES, space=space("random"))
    numbers = compare(pictures(80, 2), pictures(80, 3), generated, medium, **OPTIONS).numbers
    assert list(numbers["worse_than_floor"]["swd"]) == [f"control_{name}" for name in CONTROLS]
    assert all(numbers["worse_than_floor"]["swd"].values()), numbers["worse_share"]["swd"]
    sets = numbers["sets"]
    assert sets["steps1"]["swd"]["low"] < sets["floor_train"]["swd"]["high"]
    assert sets["steps2"]["random_recall"]["high"] < sets["floor_train"]["random_recall"]["low"]
    assert numbers["below_noise"]["steps1"] == 1


def test_the_packaged_network_tells_altered_pictures_and_names_itself():
    small = replace(PICTURES, space=space("efficientnet_lite0"))
    numbers = compare(pictures(26, 2), pictures(26, 3), {}, small, **OPTIONS).numbers
    told = numbers["worse_than_floor"]["lite0_frechet"]
    told.pop("control_collapse")  # 13 pictures are too few to see it
    assert all(told.values()), numbers["worse_share"]["lite0_frechet"]
    assert measures_of(small)[0].name == "lite0_frechet"
    titles = " ".join(measure.title for measure in measures_of(small))
    assert "FID" not in titles and "KID" not in titles and "EfficientNet-Lite0 precision" in titles


def test_features_do_not_depend_on_the_other_pictures_and_a_missing_package_is_told(monkeypatch):
    two = pictures(2, 8)
    embed = space("efficientnet_lite0").embed
    assert np.allclose(embed(two)[1], embed(two[1:])[0], atol=1e-5) and np.array_equal(embed(two), embed(two))
    monkeypatch.setattr(efficientnet, "PACKAGE", "no-such-package")
    with pytest.raises(LandloomError, match="evaluate.network: .* is not installed.*network to random"):
        space("efficientnet_lite0")


def test_an_inception_file_gives_fid_under_its_own_name(tmp_path):
    class Pooled(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.nn.functional.adaptive_avg_pool2d(x.float() / 255, 4).flatten(1)

    path = tmp_path / "net.pt"
    torch.jit.script(Pooled()).save(str(path))
    stage = SimpleNamespace(root=tmp_path, params=Params(inception={"path": "net.pt", "sha256": file_sha256(path)}))
    medium = replace(PICTURES, space=network(stage))
    assert [measure.title for measure in measures_of(medium)][:3] == ["FID", "KID", "precision"]
    sets = compare(pictures(40, 2), pictures(40, 3), {}, medium, **OPTIONS).numbers["sets"]
    assert 0 < sets["floor_train"]["fid"]["mean"] < sets["control_colors"]["fid"]["low"]


def test_the_interval_of_a_floor_holds_what_fresh_samples_give():
    random = space("random")
    rows = random.rows({"train": pictures(320, 30, 16), "val": pictures(64, 31, 16)})
    drawn = resample(random.score, rows["val"], rows["train"], {}, {}, 30, 1)["floor_train"][:, 0]
    fresh = [random.score(*rows["train"][start : start + 64].reshape(2, 32, -1)) for start in range(0, 320, 64)]
    found = interval(drawn)
    assert found["low"] <= float(np.mean([score[0] for score in fresh])) <= found["high"]


def test_a_mirrored_training_picture_is_a_copy():
    train, held_out = pictures(40, 40), pictures(40, 41)
    small = {name: PICTURES.thumbnails(tiles) for name, tiles in (("train", train), ("val", held_out))}
    mirrored = PICTURES.thumbnails(np.concatenate([train[7:8, :, ::-1], held_out[:5]]))
    chance = memorisation.nearest(small["val"], small["train"], PICTURES.epsilon)
    found = memorisation.nearest(mirrored, small["train"], PICTURES.epsilon)
    assert found.rows[0] == 7 and found.poses[0] >= 4 and memorisation.judge(found, chance)["copies"] == 1


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("photographs")
    shard(grow(root / "data/toy", layers=("color",), photographs=True))
    return root


def evaluate(root: Path, model: Painter, monkeypatch) -> dict:
    monkeypatch.setattr(tasks.evaluate.run, "load_model", lambda folder: model)
    params = Params(samples=20, tiles=40, projections=8, bootstrap=4, network="random")
    tasks.evaluate.run.run(
        Stage(StageEntry("evaluate", "toy", (), (), ()), params, 3, Compute(engine="serial", workers=1), Run(), root)
    )
    return json.loads((root / "data/toy/evaluation/metrics.json").read_text())


def test_the_stage_judges_pictures_without_gsd_and_never_says_metres(root, monkeypatch):
    account = evaluate(root, Painter(pictures(20, 6)), monkeypatch)
    assert account["product"] == "image" and account["gsd"] is None and account["headline"] == "swd/steps1"
    text = json.dumps({key: value for key, value in account.items() if key != "details"})
    assert "metre" not in text and "terrain" not in text
    assert any("are no FID" in note for note in account["notes"])
    named = {metric["name"]: metric for metric in account["metrics"]}
    assert named["random_coverage/steps1"]["better"] == "higher" and named["random_frechet/steps1"]["floor"] > 0
    assert not {"fid", "kid", "precision"} & {measure["name"] for measure in account["measures"]}
    assert named["swd/control_collapse"]["low"] <= named["swd/control_collapse"]["value"]
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
