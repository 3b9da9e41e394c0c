import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from models.core.artifact import load_model
from tasks.train.run import run
from tests.models.settings import DCGAN, STYLEGAN2
from tests.train.stand import copy, dataset, stage

TRAIN = {
    "steps": 4,
    "checkpoint_every": 2,
    "picture_every": 4,
    "clip": 1e6,
    "batch": 4,
    "watch": {"samples": 16, "every": 2},
}
METHODS = {"stylegan2": STYLEGAN2, "dcgan": DCGAN, "heights": {**STYLEGAN2, "layer": "height"}}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return dataset(tmp_path_factory.mktemp("pictures") / "root", layers=("height", "color"))


@pytest.mark.parametrize("name", METHODS)
def test_a_generator_is_trained_and_watched(root, tmp_path, name):
    here = stage(copy(root, tmp_path / "root"), **TRAIN, method=METHODS[name])
    run(here)
    here.finish()
    data = tmp_path / "root" / "data" / "small"
    model = load_model(data / "model")
    made = model.sample(range(3), seed=1)
    assert made.shape == ((3, 32, 32) if name == "heights" else (3, 32, 32, 3)) and np.isfinite(made).all()
    snapshot = json.loads((data / "model" / "config.json").read_text())["training"]["snapshot"]
    assert snapshot["step"] in (2, 4) and "of 2 looks" in snapshot["why"]
    curve = pd.read_csv(data / "plots" / "train" / "watch" / "score.tsv", sep="\t")
    assert list(curve.columns) == ["step", "watch/score"] and (curve["watch/score"] > 0).all()
    assert np.asarray(Image.open(data / "model" / "samples.png")).std() > 5


def test_collapse_beyond_patience_ends_the_training_with_a_whole_model(root, tmp_path):
    watch = {"samples": 16, "every": 1, "low": 1e6, "grace": 0.0, "patience": 2}
    here = stage(copy(root, tmp_path / "root"), **{**TRAIN, "steps": 12, "watch": watch}, method=DCGAN)
    run(here)
    training = json.loads((here.dir / "model" / "config.json").read_text())["training"]
    assert training["stopped_by_collapse"] == 4 and "partial" not in training
    assert training["snapshot"]["flagged_steps"] == [1, 2, 3, 4]
