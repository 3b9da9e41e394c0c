"""A stage on a machine that reaches nothing: in a bundle there, in results back, as if DVC had run it here."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import yaml

from flows.bundle import bundle
from flows.unbundle import unbundle
from tasks.core.errors import LandloomError
from tests.pipeline.conftest import Clone

ABSENT = ("mlflow", "dvc", "prefect", "rasterio", "geopandas", "shapely", "pyproj")
TRAINED = ("model", "pictures/train", "metrics/train.json", "plots/train", "runs/train.json")


@pytest.fixture(scope="module")
def bare(tmp_path_factory) -> dict[str, str]:
    """The environment of a Python that has none of `ABSENT`: links to the other installed packages are its own."""
    folder = tmp_path_factory.mktemp("bare")
    for place in {Path(entry) for entry in sys.path if entry.endswith("site-packages")}:
        for path in place.iterdir():
            if not path.name.startswith(ABSENT):
                (folder / path.name).symlink_to(path)
    return {"PATH": "/usr/bin:/bin", "HOME": "/nowhere", "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def home(unbroken, tmp_path_factory) -> Clone:
    """A clone that never trained: nothing of train and what follows is in its folders, its lock or its caches."""
    clone = unbroken.copy(tmp_path_factory.mktemp("home") / "repo")
    lock = clone.root / "dvc.lock"
    entries = yaml.safe_load(lock.read_text())
    for stage in ("train", "evaluate", "generate", "register", "report"):
        for out in entries["stages"].pop(f"{stage}@terrain", {"outs": []})["outs"]:
            path = clone.root / out["path"]
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    lock.write_text(yaml.safe_dump(entries))
    shutil.rmtree(clone.root / ".dvc/cache/runs")
    return clone


@pytest.fixture(scope="module")
def far(home, tmp_path_factory) -> Path:
    """The unpacked bundle of the training."""
    return unpacked(home, tmp_path_factory.mktemp("far"), "train@terrain")


def unpacked(home: Clone, folder: Path, *stages: str) -> Path:
    identity = bundle([*stages], folder / "bundle.tar", root=home.root)
    subprocess.run(["tar", "xf", "bundle.tar"], cwd=folder, check=True)
    return folder / f"landloom-{identity}"


def run(far: Path, env: dict[str, str], *arguments: str, status: int = 0) -> str:
    """`run.py` on the other machine, by an interpreter without packages of its own."""
    command = [sys._base_executable, "run.py", *arguments]
    done = subprocess.run(command, cwd=far, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == status, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


def kill_after_a_checkpoint(far: Path, env: dict[str, str]) -> None:
    process = psutil.Popen([sys._base_executable, "run.py"], cwd=far, env=env, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not list(far.glob(".landloom/checkpoints/*/*/step-*")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.005)
    for each in [*process.children(recursive=True), process]:
        each.send_signal(signal.SIGKILL)
    process.wait()


@pytest.fixture(scope="module")
def results(far, bare) -> Path:
    """Results of a training that was killed after its first checkpoint and started again."""
    kill_after_a_checkpoint(far, bare)
    said = run(far, bare)
    assert "going on from step" in said
    return far / "results.tar"


def test_the_same_checkout_gives_the_same_bundle_and_a_limit_is_kept(home, tmp_path, capsys):
    assert bundle(["train@terrain"], tmp_path / "a.tar", root=home.root) == bundle(
        ["train@terrain"], tmp_path / "b.tar", root=home.root
    )
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()
    assert "the largest parts, in MiB: data/terrain/shards" in capsys.readouterr().out
    bundle(["train@terrain"], tmp_path / "d.tar", also=["tests/runs/tiny.py"], root=home.root)
    assert "/tests/runs/tiny.py" in _names(tmp_path / "d.tar") and "/tests/" not in _names(tmp_path / "a.tar")
    with pytest.raises(LandloomError, match=r"MiB are more than --limit-mb 0\.1; nothing was written"):
        bundle(["train@terrain"], tmp_path / "c.tar", limit_mb=0.1, root=home.root)
    assert not (tmp_path / "c.tar").exists()


def _names(path: Path) -> str:
    return subprocess.run(["tar", "tf", path], check=True, capture_output=True, text=True).stdout


def test_stages_that_make_no_bundle_are_refused(home, tmp_path):
    for stages, said in {
        ("paint@terrain",): "there is no stage",
        ("register@terrain",): "talks to MLflow",
        ("generate@terrain",): "train@terrain must run first",
    }.items():
        with pytest.raises(LandloomError, match=said):
            bundle([*stages], tmp_path / "no.tar", root=home.root)


def test_a_changed_file_of_the_bundle_is_named(far, bare):
    victim = next(far.glob("data/terrain/shards/*.tfrecord"))
    good = victim.read_bytes()
    try:
        victim.write_bytes(good[:100] + bytes([good[100] ^ 1]) + good[101:])
        (far / "tasks/train/extra.py").touch()
        said = run(far, bare, "--check", status=2)
    finally:
        victim.write_bytes(good)
        (far / "tasks/train/extra.py").unlink()
    assert f"shards/{victim.name}: damaged" in said
    assert "tasks/train/extra.py: not part of the bundle" in said


def test_a_machine_that_lacks_packages_is_told_which(far, bare, tmp_path):
    said = run(far, bare | {"PYTHONPATH": str(tmp_path)}, "--check", status=2)
    assert "lacks " in said and "torch" in said and "mlflow" not in said


def test_other_inputs_are_refused_by_name(home, results):
    params, code = home.root / "params.yaml", home.root / "tasks/train/feed.py"
    kept = params.read_text(), code.read_text()
    try:
        home.change({"datasets.terrain.train.lr": 0.123})
        code.write_text(kept[1] + "\n")
        with pytest.raises(LandloomError) as refused:
            unbundle(results, root=home.root)
    finally:
        params.write_text(kept[0])
        code.write_text(kept[1])
    assert "params.yaml: datasets.terrain.train.lr: " in str(refused.value) and "0.123 here" in str(refused.value)
    assert "tasks/train/feed.py: differs" in str(refused.value)
    assert not (home.root / "data/terrain/model").exists()


def test_a_flipped_byte_of_the_results_is_named(home, results, tmp_path):
    bad = bytearray(results.read_bytes())
    bad[bad.index(b"denoising") + len(bad) // 2] ^= 1
    (tmp_path / "bad.tar").write_bytes(bad)
    with pytest.raises(LandloomError, match="refused: .*damaged"):
        unbundle(tmp_path / "bad.tar", root=home.root)


def test_killed_and_started_again_it_comes_home_as_if_dvc_had_trained(home, unbroken, results):
    from mlflow.tracking import MlflowClient

    assert unbundle(results, root=home.root) == ["train@terrain"]
    for out in TRAINED[:-1]:
        same = subprocess.run(["diff", "-r", home.root / "data/terrain" / out, unbroken.root / "data/terrain" / out])
        assert same.returncode == 0, out
    status = subprocess.run(
        ["dvc", "status", "train@terrain"], cwd=home.root, env=home.env, check=True, capture_output=True, text=True
    )
    assert "up to date" in status.stdout

    record = json.loads((home.root / "data/terrain/runs/train.json").read_text())
    client = MlflowClient(f"sqlite:///{home.root}/mlflow.db")
    told = client.get_run(record["run_id"])
    assert told.info.status == "FINISHED" and told.info.run_name.startswith("train@terrain")
    assert told.data.tags["attempts"] == "2" and "hardware.cpu" in told.data.tags and "bundle" in told.data.tags
    assert told.data.tags["git.commit"] == record["commit"]
    pictures = {file.path for file in client.list_artifacts(record["run_id"], "pictures")}
    assert {"pictures/curve.png", "pictures/step-00000004.png", "pictures/step-00000008.png"} <= pictures
    lock = yaml.safe_load((home.root / "dvc.lock").read_text())["stages"]["train@terrain"]
    for out in lock["outs"]:
        assert told.data.tags[f"dvc.out.{out['path']}"] == out["md5"]

    unbundle(results, root=home.root)  # given twice, it makes no second run
    assert len(client.search_runs([told.info.experiment_id], "tags.bundle != ''")) == 1


def test_dvc_restores_it_from_the_run_cache(home, results):
    unbundle(results, root=home.root)
    lock = home.root / "dvc.lock"
    entries = yaml.safe_load(lock.read_text())
    entries["stages"].pop("train@terrain")
    lock.write_text(yaml.safe_dump(entries))
    shutil.rmtree(home.root / "data/terrain/model")
    assert home.repro("--single-item", "train@terrain") == []
    assert "is cached - skipping run" in home.output


def test_a_training_that_ended_early_is_taken_only_when_asked(home, bare, tmp_path):
    home.change({"datasets.terrain.train.steps": 200})
    far = unpacked(home, tmp_path, "train@terrain", "generate@terrain")
    full = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "DVC_"))}
    said = run(far, full | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}, "--finish")
    assert "train@terrain: ended early, a model of 1 of 200 steps" in said
    config = json.loads((far / "data/terrain/model/config.json").read_text())["training"]
    assert (config["partial"], config["steps_done"], config["steps"]) == (True, 1, 200)
    assert list(far.glob(".landloom/checkpoints/*/*/step-*")), "a later start goes on from here"
    with pytest.raises(LandloomError, match="a model of 1 of 200 steps.*--partial"):
        unbundle(far / "results.tar", root=home.root)
    assert unbundle(far / "results.tar", partial=True, root=home.root) == ["train@terrain", "generate@terrain"]
    assert home.repro("--dry", "generate@terrain") == []
