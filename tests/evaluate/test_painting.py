"""The stage on a painter: its heights are judged as any others, and its light and its variety beside them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from models.core.artifact import build_method, save_model
from models.terrain_gan.encoding import ColorHeightEncoding
from tasks.core.dag import StageEntry
from tasks.core.errors import LandloomError
from tasks.core.run import Run
from tasks.core.settings import Compute
from tasks.core.stage import Stage
from tasks.evaluate.params import Params
from tasks.evaluate.run import run
from tests.models.settings import TERRAIN_GAN
from tests.shard.small import grow, shard

SECTION = {"samples": 20, "steps": [1], "tiles": 32, "projections": 8, "bootstrap": 4, "inception": None}
CLASSES = [{"id": n, "name": f"class {n}", "red": 80 * n, "green": 0, "blue": 0} for n in range(3)]


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("painted")
    data = grow(root / "data/terrain", layers=("height", "color"), classes=3)
    shard(data)
    encoding = ColorHeightEncoding(bend=300.0, reach=2.5, gsd=90.0, slope=0.3)
    config = {"method": TERRAIN_GAN, "encoding": encoding.to_dict(), "px": 32}
    config |= {"gsd": 90.0, "classes": CLASSES}
    torch.manual_seed(0)
    method = build_method(config, 2e-4)
    (data / "model").mkdir()
    save_model(data / "model", config, torch.nn.ModuleDict({name: method.networks[name] for name in method.ema}))
    return root


def evaluate(root: Path, **changes) -> dict:
    params = Params.model_validate(SECTION | changes)
    entry = StageEntry("evaluate", "terrain", (), (), ())
    run(Stage(entry, params, 3, Compute(engine="serial", workers=1), Run(), root))
    return json.loads((root / "data/terrain/evaluation/metrics.json").read_text())


def test_a_painter_is_judged(root):
    found = evaluate(root)
    account, found = found, found["details"]
    assert {"val", "steps1"} <= set(found["tiles"]) and found["tiles"]["steps1"] == 20
    assert account["headline"] == "swd/steps1" and account["product"] == "painting"
    metrics = {metric["name"]: metric for metric in account["metrics"]}
    leaks = found["paintings"]["shadow_leakage"]
    assert metrics["shadow_leakage/texture"]["value"] == leaks["texture"]["leak"]
    assert metrics["shadow_leakage/texture"]["floor"] == leaks["real"]["leak"]
    assert {"color_distance", "single_class_autocorrelation_peak/noise_off"} <= set(metrics)
    assert set(leaks) == {"texture", "shaded", "real"}
    assert abs(leaks["real"]["leak"]) < 0.1  # its colours are noise
    assert len(leaks["real"]["by_azimuth"]) == 24
    variety = found["paintings"]["variety"]
    assert set(variety) == {"class 0", "class 1", "class 2"}
    for switches in variety.values():
        # Nothing is trained: no noise has any gain yet, so paintings are plain.
        assert switches["off"]["autocorrelation_peak"] == 1
    assert 0 < found["paintings"]["color_distance"] < 255
    pictures = root / "data/terrain/pictures/evaluate"
    assert {"paintings.png", "shadow_leakage.png", "single_class.png"} <= {path.name for path in pictures.iterdir()}
    assert {picture["name"] for picture in account["pictures"]} == {path.stem for path in pictures.iterdir()}
    assert evaluate(root) == account


def test_several_evaluations_are_refused(root):
    with pytest.raises(LandloomError, match=r"evaluate.steps: a painter paints in one"):
        evaluate(root, steps=[1, 2])


def test_paintings_take_maps_again_with_other_seeds(root):
    assert evaluate(root, samples=70)["details"]["tiles"]["steps1"] == 70
    assert np.isfinite(evaluate(root, samples=16)["details"]["paintings"]["color_distance"])
