"""The stage itself, with a real (tiny, untrained) model: the same seed gives the same bytes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from models.artifact import build_method, load_model, save_model
from models.encoding import HeightEncoding
from tasks.dag import StageEntry
from tasks.errors import LandloomError
from tasks.generate.exports import read_geotiff
from tasks.generate.params import Params
from tasks.generate.run import run
from tasks.hashing import dvc_md5
from tasks.settings import Compute
from tasks.stage import Stage
from tasks.tracking import Run
from tests.models.settings import CONSISTENCY

HILLS = np.random.default_rng(1).normal(500, 200, (32, 16, 16)).astype(np.float32)
ENCODING = HeightEncoding.fit([HILLS], sigma_data=0.5)
CONFIG = {
    "method": "consistency",
    "px": 16,
    "gsd": 90.0,
    "channels": ENCODING.channels,
    "facts": ENCODING.facts,
    "network": {"channels": 8, "multipliers": [1, 1], "blocks": 1, "attention": [], "patch": 1, "dropout": 0.0},
    "consistency": CONSISTENCY,
    "encoding": ENCODING.to_dict(),
}


def grow(root: Path) -> Path:
    """A dataset folder that holds nothing but a model."""
    data = root / "data" / "toy"
    (data / "model").mkdir(parents=True)
    method = build_method(CONFIG, lr=0.0)
    for parameter in method.networks.parameters():
        parameter.data.uniform_(-0.3, 0.3)
    networks = method.networks
    save_model(data / "model", CONFIG, type(networks)({name: networks[name] for name in method.ema}))
    return data


def generate(data: Path, count: int = 5, seed: int = 7, steps: int = 2) -> Path:
    entry = StageEntry("generate", "toy", (), (), ())
    params = Params(count=count, seed=seed, steps=steps)
    run(Stage(entry, params, 1, Compute(engine="serial", workers=1), Run(), data.parents[1]))
    return data / "samples"


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return grow(tmp_path_factory.mktemp("toy"))


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(data):
    first = dvc_md5(generate(data))
    picture = (data / "pictures/generate/overview.png").read_bytes()
    assert dvc_md5(generate(data)) == first
    assert (data / "pictures/generate/overview.png").read_bytes() == picture
    assert dvc_md5(generate(data, seed=8)) != first


def test_a_terrain_does_not_depend_on_how_many_are_made(data):
    many = (generate(data, count=5) / "toy_001.tif").read_bytes()
    assert (generate(data, count=2) / "toy_001.tif").read_bytes() == many
    assert len(list((data / "samples").iterdir())) == 2 * 5


def test_the_files_hold_what_the_model_gives(data):
    samples = generate(data, count=3)
    expected = load_model(data / "model").sample(range(3), seed=7, steps=2)
    for index in range(3):
        height, gsd = read_geotiff(samples / f"toy_{index:03d}.tif")
        assert np.array_equal(height, expected[index]) and gsd == 90.0
        sidecar = json.loads((samples / f"toy_{index:03d}.json").read_text())
        assert (sidecar["index"], sidecar["seed"], sidecar["steps"]) == (index, 7, 2)
        assert sidecar["model_md5"] == dvc_md5(data / "model")


def test_what_is_no_model_is_told_by_name(tmp_path):
    (tmp_path / "data/toy/model").mkdir(parents=True)
    with pytest.raises(LandloomError, match=r"data/toy/model: .*run `dvc repro` to train it again"):
        generate(tmp_path / "data/toy")
    assert not (tmp_path / "data/toy/samples").exists()


def test_steps_the_method_cannot_take_are_refused(data):
    with pytest.raises(LandloomError, match="generate.steps: 5"):
        generate(data, steps=5)
