"""`dvc repro` runs nothing twice and, after a change, exactly the stages that it reaches."""

from __future__ import annotations

import json
import sys

import pytest
import yaml

from tasks.core.dag import stage_entry, stage_names
from tasks.core.settings import ROOT
from tests.pipeline.conftest import Clone, commit

ALL = [f"{name}@terrain" for name in stage_names(ROOT)]
AFTER_TRAIN = {"train@terrain", "evaluate@terrain", "generate@terrain", "register@terrain", "report@terrain"}
AFTER_GENERATE = {"generate@terrain", "register@terrain", "report@terrain"}
AFTER_SELECT = set(ALL) - {"acquire@terrain", "project@terrain"}


LIGHT = """
import json, sys
from hashlib import md5
from pathlib import Path
stage = json.load(open("light.json"))["@".join(sys.argv[1:])]
inputs = [Path(dep).read_bytes() for dep in stage["deps"] if dep.startswith("data/")]
digest = md5(b"".join([*inputs, Path("params.yaml").read_bytes()])).hexdigest()
for out in stage["outs"]:
    Path(out).parent.mkdir(parents=True, exist_ok=True)
    Path(out).write_text(digest)
"""


@pytest.fixture(scope="module")
def light(tmp_path_factory) -> Clone:
    """A clone with the real graph, in which every stage takes no time and its outputs depend on its inputs."""
    clone = Clone(tmp_path_factory.mktemp("light") / "repo")
    dag = yaml.safe_load((clone.root / "dvc.yaml").read_text())
    for name, stage in dag["stages"].items():
        stage["do"]["cmd"] = f"{sys.executable} -S light.py {name} ${{key}}"
    entries = {name: stage_entry(name, "terrain", clone.root) for name in stage_names(ROOT)}
    files = {f"{name}@terrain": {"deps": entry.deps, "outs": entry.outs} for name, entry in entries.items()}
    (clone.root / "dvc.yaml").write_text(yaml.safe_dump(dag, sort_keys=False))
    (clone.root / "light.json").write_text(json.dumps(files))
    (clone.root / "light.py").write_text(LIGHT)
    commit(clone.root)
    assert sorted(clone.repro()) == sorted(ALL)
    return clone


def test_every_stage_ran_once_and_the_report_is_there(done):
    assert sorted(done.first) == sorted(ALL)
    assert (done.root / "data/terrain/report/index.html").stat().st_size > 10_000
    assert not list(done.root.glob(".landloom/**/*.safetensors")), "checkpoints of a training that DVC has stay"


def test_a_second_repro_runs_nothing(done):
    assert done.repro() == []
    assert done.status() == {}


@pytest.mark.parametrize(
    "change, expected",
    [
        ({"datasets.terrain.select.quota": 120}, AFTER_SELECT),
        ({"datasets.terrain.train.steps": 6}, AFTER_TRAIN),
        ({"datasets.terrain.generate.seed": 8}, AFTER_GENERATE),
        ({"compute.workers": 1}, set()),
    ],
    ids=["select.quota", "train.steps", "generate.seed", "compute.workers"],
)
def test_one_changed_number_reruns_its_stage_and_what_follows(light, change, expected):
    changed_and_back(light, change, expected)


def test_one_changed_number_reruns_the_real_stages_too(done):
    changed_and_back(done, {"datasets.terrain.generate.seed": 8}, AFTER_GENERATE)


def changed_and_back(done: Clone, change, expected) -> None:
    params = (done.root / "params.yaml").read_text()
    before = done.hashes()
    try:
        done.change(change)
        assert set(done.repro()) == expected
    finally:
        (done.root / "params.yaml").write_text(params)
    # The old parameters run nothing: DVC's run cache has every stage.
    assert done.repro() == [], "going back must restore from the cache"
    assert done.hashes() == before


def test_a_bad_parameter_stops_everything_before_anything_runs(done):
    params = (done.root / "params.yaml").read_text()
    try:
        done.change({"datasets.terrain.train.lr": -1, "datasets.terrain.acquire.source.planet_px": 210})
        with pytest.raises(AssertionError, match=r"datasets\.terrain\.train\.lr: "):
            done.repro()
    finally:
        (done.root / "params.yaml").write_text(params)
    assert done.repro() == []


def test_runs_are_tied_to_data_by_hash(done):
    from mlflow.tracking import MlflowClient

    client = MlflowClient(f"sqlite:///{done.root}/mlflow.db")
    hashes = done.hashes()
    for path in sorted((done.root / "data/terrain/runs").glob("*.json")):
        record = json.loads(path.read_text())
        run = client.get_run(record["run_id"])
        assert run.info.run_name == f"{path.stem}@terrain" and run.info.status == "FINISHED"
        for out, digest in record["outs"].items():
            assert hashes[out] == digest == run.data.tags[f"dvc.out.{out}"]
        for name, digest in run.data.tags.items():
            if name.startswith("dvc.in.data/") and name.removeprefix("dvc.in.") in hashes:
                assert digest == hashes[name.removeprefix("dvc.in.")]
