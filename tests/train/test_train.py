import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from models.core.artifact import load_model
from tasks.core.errors import LandloomError
from tasks.core.hashing import dvc_md5
from tasks.core.settings import ROOT
from tasks.core.spent import clear
from tasks.train.params import Params
from tasks.train.run import run
from tests.train.stand import NETWORK, PARAMS, FakeRun, copy, stage

STEPS = 60  # steps of the runs that are killed: enough that training still runs when a busy machine delays the kill
ENV = {**os.environ, "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}


@pytest.fixture(scope="module")
def done(made, tmp_path_factory):
    """A finished run and its output."""
    root = copy(made, tmp_path_factory.mktemp("done") / "root")
    said = FakeRun()
    here = stage(root, said)
    run(here)
    here.finish()
    return root / "data" / "small", said.said, root


def test_it_leaves_a_model_that_makes_terrain(done):
    data, _, _ = done
    generator = load_model(data / "model")
    heights = generator.sample(range(4), seed=1, steps=2)
    assert heights.shape == (4, 32, 32) and np.isfinite(heights).all() and generator.gsd == 90
    assert generator.config["training"]["steps"] == PARAMS["steps"]
    assert generator.config["training"]["parameters"] > 0
    names = {path.name for path in (data / "model").iterdir()}
    assert names == {"weights.safetensors", "config.json", "samples.png"}


def test_curve_pictures_and_metrics_say_how_it_went(done):
    data, said, _ = done
    plots = data / "plots" / "train"
    names = {path.relative_to(plots).with_suffix("").as_posix() for path in plots.rglob("*.tsv")}
    assert {"denoising/loss", "consistency/loss"} <= names
    curve = pd.read_csv(plots / "consistency/loss.tsv", sep="\t")
    assert list(curve) == ["step", "consistency/loss"] and list(curve["step"]) == [4, 6]
    pictures = sorted(path.name for path in (data / "pictures" / "train").iterdir())
    assert pictures == ["curve.png", "step-00000004.png", "step-00000006.png"]
    assert np.asarray(Image.open(data / "pictures" / "train" / "step-00000006.png")).std() > 10
    metrics = json.loads((data / "metrics" / "train.json").read_text())
    assert list(metrics) == ["loss"] and metrics["loss"] == said["consistency/loss"][-1] > 0
    assert said["parameters"][-1] > 0
    assert 0 <= said["waiting_share"][-1] < 1 and said["train_seconds"][-1] > 0


def test_the_same_run_gives_the_same_bytes(done, made, tmp_path):
    data, _, root = done
    other = copy(made, tmp_path / "root")
    run(stage(other))
    for out in ("model", "pictures/train"):
        assert dvc_md5(other / "data" / "small" / out) == dvc_md5(data / out)


def test_what_was_trained_is_kept_until_the_model_is_safe(done, made, tmp_path, capsys):
    """As after a full disk or a power failure before DVC stores the outputs: DVC deletes them and runs again."""
    data, _, _ = done
    root, said = copy(made, tmp_path / "root"), FakeRun()
    run(stage(root))
    for out in ("model", "pictures/train"):
        shutil.rmtree(root / "data" / "small" / out)
    run(stage(root, said))
    assert "trained already" in capsys.readouterr().out and "train_seconds" not in said.said
    for out in ("model", "pictures/train"):
        assert dvc_md5(root / "data" / "small" / out) == dvc_md5(data / out)
    kept = root / ".landloom" / "checkpoints"
    clear(root, ["data/small/shards"])
    assert list(kept.rglob("*.safetensors"))
    clear(
        root, ["data/small/shards", "data/small/model"]
    )  # as the next stage, which reads the model, does at its start
    assert not list(kept.rglob("*.safetensors"))


def start(root: Path, **changes) -> subprocess.Popen:
    items = [f"{key}={json.dumps(value)}" for key, value in changes.items()]
    log = (root / "log").open("a")
    command = [sys.executable, "-m", "tests.train.stand", str(root), *items]
    return subprocess.Popen(command, cwd=ROOT, env=ENV, stdout=log, stderr=log)


def wait_for_checkpoint(root: Path, step: int, process: subprocess.Popen) -> None:
    """Wait for a checkpoint of `step` or later: on a busy machine a later one may have replaced it already."""

    def newest() -> int:
        # os.walk, because folders appear and disappear meanwhile.
        folders = [name for _, names, _ in os.walk(root / ".landloom") for name in names]
        return max((int(name[5:]) for name in folders if re.fullmatch(r"step-\d+", name)), default=0)

    deadline = time.monotonic() + 120
    while newest() < step:
        assert process.poll() is None, (root / "log").read_text()
        assert time.monotonic() < deadline, "no checkpoint came"
        time.sleep(0.005)


def test_a_killed_run_ends_in_the_bytes_of_an_unbroken_one(made, tmp_path):
    changes = {"steps": STEPS, "picture_every": 20}
    whole, broken = copy(made, tmp_path / "whole"), copy(made, tmp_path / "broken")
    run(stage(whole, **changes))

    process = start(broken, **changes)
    wait_for_checkpoint(broken, 4, process)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert not (broken / "data" / "small" / "model").exists()

    process = start(broken, **changes)
    wait_for_checkpoint(broken, 12, process)
    process.send_signal(signal.SIGTERM)
    assert process.wait() == 128 + signal.SIGTERM, (broken / "log").read_text()
    assert not (broken / "data" / "small" / "model").exists()

    here = stage(broken, **changes)
    run(here)
    for out in ("model", "pictures/train"):
        assert dvc_md5(broken / "data" / "small" / out) == dvc_md5(whole / "data" / "small" / out)
    assert (broken / "log").read_text().count("going on from step") == 1


def test_two_processes_train_as_one_and_only_one_writes(made, tmp_path):
    root = copy(made, tmp_path / "root")
    config = ROOT / "infra" / "accelerate" / "two-cpu.yaml"
    launch = ["-m", "accelerate.commands.launch", "--config_file", str(config), "-m", "tests.train.stand", str(root)]
    done = subprocess.run([sys.executable, *launch], cwd=ROOT, env=ENV, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "process 0 of 2" in done.stdout and "process 1 of 2" in done.stdout
    assert done.stdout.count("step 6/6") == 1, "the second process spoke too"
    assert np.isfinite(load_model(root / "data" / "small" / "model").sample([0], 0, 1)).all()


def networked(**values):
    """Changes of the network of `PARAMS`."""
    return {"method": {**PARAMS["method"], "network": {**NETWORK, **values}}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (networked(attention=[12]), r"datasets.small.train.method does not fit .* no level has side 12"),
        (networked(multipliers=[1] * 8, attention=[]), "multiple of 256"),
        ({"precision": "bf16"}, "bf16 is not in this hardware"),
        ({"lr": 1e18, "clip": 1e30, "warmup": 0}, r"step \d+: .* is (nan|inf); lower train.lr"),
    ],
)
def test_what_cannot_work_is_told_in_one_line(made, tmp_path, changes, message):
    with pytest.raises(LandloomError, match=message):
        run(stage(copy(made, tmp_path / "root"), **changes))
    assert not (tmp_path / "root" / "data" / "small" / "model").exists()


def test_unknown_and_impossible_parameters_are_refused():
    for change in ({"colour": 1}, {"batch": 0}, {"cooldown": 1.5}, networked(patch=3)):
        with pytest.raises(ValueError):
            Params(**{**PARAMS, **change})


def test_parameters_are_checked_without_torch():
    code = "import sys, tasks.train.params; assert not {'torch', 'accelerate', 'rasterio'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
