"""A parameter given to a flow changes params.yaml and MLflow exactly as `dvc exp run -S` does, or nothing."""

from __future__ import annotations

import fcntl
import subprocess
import sys
import threading
import time

import pytest
import yaml

from flows.pipeline import pipeline, touched
from flows.stages.checkout import LOCK, assignments, checkout, nested
from flows.stages.repro import StageFailed, mistake
from tasks.core.errors import LandloomError
from tasks.core.settings import ROOT
from tests.pipeline.conftest import Clone

LR = "datasets.terrain.train.lr"


def test_only_the_named_value_changes_and_ones_own_edits_stay(small, prefect):
    path = small / "params.yaml"
    path.write_text(path.read_text().replace("seed: 20\n", "seed: 21  # mine, not committed\n", 1))
    before = path.read_text().splitlines()
    assert pipeline(["train@terrain"], root=str(small), params={LR: 3e-05})["train@terrain"] == "ran"
    after = path.read_text().splitlines()
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert len(changed) == 1 and changed[0][0].strip().startswith("lr:") and "seed: 21  # mine, not committed" in after
    assert yaml.safe_load((small / "dvc.lock").read_text())["stages"]["train@terrain"]["params"]

    text = path.read_text()
    for wrong, message in [
        ({"datasets.terrain.train.lrr": 1}, r"datasets\.terrain\.train\.lrr: unknown key; known here: "),
        ({LR: -1, "seed": 5}, r"datasets\.terrain\.train\.lr: .*greater than 0"),
    ]:
        with pytest.raises(LandloomError, match=message):
            pipeline(["train@terrain"], root=str(small), params=wrong)
        assert path.read_text() == text, "nothing may be written where anything is wrong"


def test_parameters_change_only_between_flows(small):
    """A flow that changes a value waits for a running flow; flows that change nothing share the checkout."""
    said, inside = [], threading.Event()
    with checkout(small, {}, said.append), checkout(small, {"seed": 20}, said.append):  # 20 is the current value

        def change():
            with checkout(small, {"seed": 22}, said.append):
                inside.set()

        thread = threading.Thread(target=change)
        thread.start()
        deadline = time.monotonic() + 60  # a busy machine needs long until the thread waits
        while not said and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not inside.wait(0.5) and "seed: 20" in (small / "params.yaml").read_text()
    assert inside.wait(60)
    thread.join()
    assert said == [
        "waits for another flow in this checkout: parameters change only between flows",
        "params.yaml: seed: 20 -> 22",
    ]
    with (small / LOCK).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_what_one_may_write_on_the_command_line():
    assert assignments([f"{LR}=1e-3", "+a.b=[1, 2]", "c=null"]) == {LR: 1e-3, "a.b": [1, 2], "c": None}
    assert nested({LR: 1, "seed": 2}) == {"datasets": {"terrain": {"train": {"lr": 1}}}, "seed": 2}
    for wrong in (["steps"], ["=1"], ["a=[1"]):
        with pytest.raises(LandloomError):
            assignments(wrong)
    with pytest.raises(LandloomError, match="part of this name"):
        nested({"a": 1, "a.b": 2})


def test_dvc_and_prefect_name_a_parameter_alike_in_mlflow(tmp_path, server):
    from mlflow.tracking import MlflowClient

    clone = Clone(tmp_path / "repo")
    name, flow_run = "datasets.terrain.acquire.source.planet_seed", "prefect.flow_run_id"
    env = {**server, **clone.env}
    run = {"cwd": clone.root, "env": env, "check": True, "capture_output": True, "text": True}
    subprocess.run(["dvc", "exp", "run", "-S", f"+{name}=21", "acquire@terrain"], **run)  # a default so far
    subprocess.run(["git", "checkout", "-q", "params.yaml"], **run)
    flow = [sys.executable, "-m", "flows.pipeline", "acquire@terrain", "-S", f"{name}=21", "--force", "acquire@terrain"]
    subprocess.run(flow, **run)
    client = MlflowClient(f"sqlite:///{clone.root}/mlflow.db")
    experiment = client.get_experiment_by_name("landloom/acquire").experiment_id
    mine, theirs = client.search_runs([experiment], order_by=["attributes.start_time DESC"])
    assert mine.data.params == theirs.data.params and mine.data.params["source.planet_seed"] == "21"
    assert len(mine.data.tags[flow_run]) == 36 and flow_run not in theirs.data.tags
    assert "dvc.experiment" in theirs.data.tags


def test_a_dry_run_counts_the_parameters_that_it_is_given_and_checks_them():
    graph = ["train@terrain", "generate@terrain", "generate@atlas"]
    assert touched({"datasets.terrain.generate.seed": 8}, graph, ROOT) == {"generate@terrain"}
    assert touched({"seed": 21}, graph, ROOT) == set(graph) and touched({}, graph, ROOT) == set()
    with pytest.raises(LandloomError, match="generate.sead"):
        touched({"datasets.terrain.generate.sead": 8}, graph, ROOT)


@pytest.mark.parametrize(
    ("room", "key", "told"),
    [("acquire", "source", "acquire.source.kind: there is no such choice; there are arcgis"),
     ("train", "method", "train.method.name: there is no such choice; there are consistency")],
)  # fmt: skip
def test_a_source_or_method_that_does_not_exist_is_told_before_dvc_misses_its_folder(small, prefect, room, key, told):
    values = yaml.safe_load((small / "params.yaml").read_text())
    values["datasets"]["terrain"][room][key] = {"kind": "sampel", "name": "sampel"}
    (small / "params.yaml").write_text(yaml.safe_dump(values))
    with pytest.raises(StageFailed, match=r"shard@terrain failed"):
        pipeline(root=str(small))
    assert mistake("shard@terrain", small).startswith(f"params.yaml: datasets.terrain.{told}")
    assert mistake("shard@atlas", small) is None and (small / "data/atlas/runs/train.json").exists()
