"""The stage on real shards and a small untrained model: what it writes, what it repeats, what it refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from models.core.artifact import build_method, save_model
from models.core.height_encoding import HeightEncoding
from tasks.core.dag import StageEntry
from tasks.core.errors import LandloomError
from tasks.core.hashing import dvc_md5, file_sha256
from tasks.core.run import Run
from tasks.core.settings import Compute, Strict, validate
from tasks.core.stage import Stage
from tasks.evaluate.params import Params
from tasks.evaluate.run import run
from tests.evaluate.landscape import landscapes
from tests.models.settings import CONSISTENCY
from tests.shard.small import grow, shard

SECTION = {"samples": 24, "steps": [1, 2], "tiles": 60, "projections": 16, "bootstrap": 4, "inception": None}
NETWORK = {"channels": 4, "multipliers": [1], "blocks": 1, "attention": [], "patch": 4, "dropout": 0.0}


class Listening(Run):
    """A run that remembers what it is told."""

    def __init__(self):
        self.told: dict[str, float] = {}

    def metrics(self, values, step):
        self.told |= values

    def timing(self, values):
        self.told |= values


def model(folder: Path, **changes: Any) -> None:
    torch.manual_seed(1)
    folder.mkdir(parents=True, exist_ok=True)
    encoding = HeightEncoding.fit([landscapes(20, 1)], 0.5)
    config = {"method": {**CONSISTENCY, "network": NETWORK}, "px": 32, "gsd": 90.0}
    config |= {"encoding": encoding.to_dict(), **changes}
    method = build_method(config, lr=0.0)
    save_model(folder, config, torch.nn.ModuleDict({name: method.networks[name] for name in method.ema}))


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A root with shards of 32 val tiles and a model."""
    root = tmp_path_factory.mktemp("made")
    shard(grow(root / "data" / "terrain"))
    model(root / "data" / "terrain" / "model")
    return root


@pytest.fixture
def root(made, tmp_path) -> Path:
    """A copy that a test may change."""
    for name in ("shards", "model"):
        shutil.copytree(made / "data" / "terrain" / name, tmp_path / "data" / "terrain" / name)
    return tmp_path


def evaluate(root: Path, **changes: Any) -> tuple[Listening, Stage]:
    params: Strict = validate(Params, SECTION | changes, "datasets.terrain.evaluate")
    heard = Listening()
    stage = Stage(StageEntry("evaluate", "terrain", (), (), ()), params, 3, _serial(), heard, root)
    run(stage)
    return heard, stage


def _serial() -> Compute:
    return Compute(engine="serial", workers=1)


@pytest.fixture(scope="module")
def done(made) -> tuple[Listening, Stage]:
    return evaluate(made)


def test_all_results_stand_side_by_side(made, done):
    folder = made / "data" / "terrain"
    account = json.loads((folder / "evaluation" / "metrics.json").read_text())
    result = account["details"]
    assert result["sample_size"] == 16 and account["gsd"] == 90 and account["px"] == 32
    controls = {f"control_{name}" for name in ("noise", "noise_tile", "blur", "blocks", "shuffle")}
    assert set(result["sets"]) == {"floor_halves", "floor_train", "steps1", "steps2"} | controls
    assert "left out" in result["fid"]["note"]
    for name in ("steps1", "steps2"):
        # An untrained network gives noise, and noise is told from terrain.
        assert result["sets"][name]["swd"]["low"] > result["sets"]["floor_train"]["swd"]["high"]
        assert len(result["memorisation"][name]["closest"]) == 8
        assert result["memorisation"][name]["copies"] == 0
        assert result["memorisation"][name]["closest"][0]["tile"].startswith("scene")
    pictures = {path.name for path in (folder / "pictures" / "evaluate").iterdir()}
    assert pictures == {f"{n}.png" for n in ("distances", "descriptors", "curves", "tiles")} | {
        "nearest_steps1.png",
        "nearest_steps2.png",
    }


def test_the_account_describes_itself(made, done):
    heard, stage = done
    folder = made / "data" / "terrain"
    account = json.loads((folder / "evaluation" / "metrics.json").read_text())
    metrics = {metric["name"]: metric for metric in account["metrics"]}
    assert account["headline"] == "swd/steps2" and account["product"] == "heights"
    headline = metrics[account["headline"]]
    assert headline["title"] == "sliced Wasserstein, model, 2 steps" and headline["better"] == "lower"
    assert headline["low"] <= headline["value"] <= headline["high"]
    assert headline["floor"] == account["details"]["sets"]["floor_train"]["swd"]["mean"]
    for metric in metrics.values():
        assert metric["title"] and metric["better"] in ("lower", "higher")
        assert heard.told[metric["name"]] == metric["value"]
    groups = {group["name"] for group in account["groups"]} | {"distances"}
    assert {metric["group"] for metric in metrics.values()} <= groups
    assert {picture["group"] for picture in account["pictures"]} <= groups
    drawn = {path.stem for path in (folder / "pictures" / "evaluate").iterdir()}
    assert {picture["name"] for picture in account["pictures"]} == drawn
    assert {one["name"] for one in account["sets"]} == set(account["details"]["sets"])
    assert len(account["findings"]) == 2 and "beats" in account["findings"][0]


def test_descriptors_are_kept_tile_by_tile(made, done):
    table = pd.read_parquet(made / "data" / "terrain" / "evaluation" / "descriptors.parquet")
    counts = table["set"].value_counts()
    assert counts["steps1"] == 24 and counts["val"] == 32 and counts["train"] == 60
    assert np.isfinite(table.drop(columns="set").to_numpy(float)).all()


def test_numbers_go_to_the_run_under_flat_names_and_timings_stay_out_of_the_outputs(done):
    heard, stage = done
    assert {"swd/steps1", "swd/floor_halves", "swd/control_noise", "swd/steps2_high"} <= set(heard.told)
    assert {"ms_per_sample/steps1", "ms_per_sample/steps2", "compare_seconds"} <= set(heard.told)
    assert heard.told["headline"] == heard.told["swd/steps2"]
    assert heard.told["headline_floor"] == heard.told["swd/floor_train"]
    assert {"memorisation_copies/steps2", "controls_worse/swd", "below_noise/steps1"} <= set(heard.told)
    assert not any("second" in name or name.startswith("ms_") for name in stage.figures)
    assert all(np.isfinite(value) for value in heard.told.values())


def test_the_same_inputs_give_the_same_bytes(made, done, root):
    evaluate(root)
    for name in ("evaluation", "pictures"):
        assert dvc_md5(root / "data" / "terrain" / name) == dvc_md5(made / "data" / "terrain" / name)


def test_fid_stands_beside_its_floors(root):
    class Means(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.nn.functional.adaptive_avg_pool2d(x.float(), 2).flatten(1)

    torch.jit.script(Means()).save(str(root / "net.pt"))
    heard, stage = evaluate(root, inception={"path": "net.pt", "sha256": file_sha256(root / "net.pt")}, steps=[1])
    fid = json.loads((stage.dir / "evaluation" / "metrics.json").read_text())["details"]["fid"]
    assert set(fid["sets"]) >= {"floor_halves", "floor_train", "control_blur", "steps1"}
    assert fid["sets"]["floor_halves"]["low"] >= 0 and len(fid["network_md5"]) == 32
    assert fid["grey_range_m"][0] < fid["grey_range_m"][1]
    assert heard.told["fid/steps1"] == fid["sets"]["steps1"]["mean"]


def refused(root: Path, words: str, **changes: Any) -> None:
    with pytest.raises(LandloomError, match=words):
        evaluate(root, **changes)
    assert not (root / "data" / "terrain" / "evaluation").exists()


def test_a_network_that_is_not_there_is_refused_before_any_work(root):
    refused(root, "evaluate.inception: .*absent.pt is not there", inception={"path": "absent.pt", "sha256": "0" * 64})


def test_too_many_steps_are_refused(root):
    refused(root, "evaluate.steps: consistency sampling takes 1 or 2 steps, not 5", steps=[1, 5])


def test_a_damaged_model_is_refused(root):
    (root / "data" / "terrain" / "model" / "weights.safetensors").write_bytes(b"half")
    refused(root, "not a model that can be loaded")


def test_a_model_of_other_tiles_is_refused(root):
    model(root / "data" / "terrain" / "model", gsd=30.0)
    refused(root, "the model makes 32 pixels at 30.0 m, the shards hold 32 at 90.0 m")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_model_that_diverged_is_refused(root):
    folder = root / "data" / "terrain" / "model"
    config = json.loads((folder / "config.json").read_text())
    config["encoding"]["spread_mean"] = 1e6
    (folder / "config.json").write_text(json.dumps(config))
    refused(root, "24 of 24 samples at 1 steps hold values that are not numbers")


def test_photographs_are_refused(tmp_path):
    data = tmp_path / "data" / "terrain"
    shard(grow(data, photographs=True))
    model(data / "model")
    refused(tmp_path, "the tiles have no GSD")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"steps": []}, "evaluate.steps"),
        ({"steps": [1, 1]}, "evaluate.steps: must be different whole numbers"),
        ({"steps": [0]}, "evaluate.steps: must be different whole numbers"),
        ({"samples": 3}, "evaluate.samples"),
        ({"bootstrap": 1}, "evaluate.bootstrap"),
        ({"inception": "net.pt"}, "evaluate.inception: input should be .*dictionary"),
        ({"inception": {"path": "net.pt", "sha256": "12"}}, "evaluate.inception.sha256"),
        ({"fid": True}, "evaluate.fid: unknown key"),
    ],
)
def test_impossible_parameters_are_refused(changes, words):
    with pytest.raises(LandloomError, match=words):
        validate(Params, SECTION | changes, "datasets.terrain.evaluate")
