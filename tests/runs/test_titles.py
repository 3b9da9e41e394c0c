"""Names and descriptions of runs, and system metrics."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import psutil
import pytest
import yaml

from tasks.core.dag import stage_entry, upstream
from tasks.core.settings import ROOT
from tasks.core.stage import Stage
from tasks.runs.machine import Machine
from tasks.runs.store import connect
from tasks.runs.titles import title
from tests.runs.tiny import git, grow_tree, run_tiny, work

CHAIN = """
stages:
  first:
    foreach: ${datasets}
    do: {cmd: "true", outs: ["data/${key}/raw"]}
  aside:
    foreach: ${datasets}
    do: {cmd: "true", deps: ["data/${key}/raw/ledger.parquet"], outs: ["data/${key}/side"]}
  last:
    foreach: ${datasets}
    do: {cmd: "true", deps: ["data/${key}/raw"], outs: ["data/${key}/end"]}
"""
COMMITTED = {
    "seed": 3,
    "datasets": {
        "toy": {
            "first": {"source": "sample", "files": {"paths": []}},
            "aside": {"size": 2},
            "last": {"method": "fast", "lr": 0.001, "steps": 400, "net": {"multipliers": [1, 2], "wide": False}},
        }
    },
}


@pytest.fixture
def tree(tmp_path):
    """A committed tree of three stages; `change` edits its parameters."""
    (tmp_path / "dvc.yaml").write_text(CHAIN)
    (tmp_path / "infra/scales").mkdir(parents=True)
    change(tmp_path, {})
    near = {"datasets": {"toy": {"first": {"source": "sample"}, "last": {"lr": 0.001, "steps": 400, "method": "fast"}}}}
    far = {"datasets": {"toy": {"first": {"source": "stac"}, "last": {"lr": 0.1, "steps": 4_000}}}}
    for name, overlay in {"near": near, "far": far}.items():
        (tmp_path / f"infra/scales/{name}.yaml").write_text(yaml.safe_dump(overlay))
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "start")
    return tmp_path


def change(root: Path, last: dict, **others: dict) -> None:
    params = json.loads(json.dumps(COMMITTED))
    params["datasets"]["toy"]["last"] |= last
    for name, values in others.items():
        params["datasets"]["toy"][name] |= values
    (root / "params.yaml").write_text(yaml.safe_dump(params))


def called(root: Path, stage: str = "last"):
    return title(stage_entry(stage, "toy", root), root, "0123456789abcdef")


def test_the_name_of_a_run_holds_its_changed_parameters(tree):
    assert called(tree).name == "last@toy"
    change(tree, {"lr": 0.002, "net": {"multipliers": [1, 2, 4], "wide": False}}, first={"source": "files"})
    assert called(tree).name == "last@toy lr=0.002 net.multipliers=[1,2,4] first.source=files"
    assert called(tree, "aside").name == "aside@toy first.source=files", "another branch's changes are not its own"
    change(tree, {"lr": 1, "steps": 1, "method": "slow", "net": {"wide": True, "deep": 3}})
    assert called(tree).name == "last@toy lr=1 method=slow net.deep=3 net.wide=True +1 more"


def test_an_experiment_is_compared_with_its_baseline(tree, monkeypatch):
    baseline = git(tree, "rev-parse", "HEAD").strip()
    change(tree, {"lr": 0.002})
    git(tree, "commit", "-qam", "experiment")
    assert called(tree).name == "last@toy"
    monkeypatch.setenv("DVC_EXP_BASELINE_REV", baseline)
    assert called(tree).name == "last@toy lr=0.002"


def test_without_git_or_for_a_new_dataset_the_stage_is_the_name(tree, monkeypatch):
    params = COMMITTED["datasets"]["toy"]
    (tree / "params.yaml").write_text(yaml.safe_dump({"seed": 3, "datasets": {"new": params}}))
    assert title(stage_entry("last", "new", tree), tree, None).name == "last@new"
    change(tree, {"lr": 0.002})
    monkeypatch.setenv("DVC_EXP_BASELINE_REV", "no-such-commit")
    assert called(tree).name == "last@toy"


def test_tags_and_parameters_distinguish_runs_in_a_table(tree):
    change(tree, {"lr": 0.002})
    it = called(tree)
    assert it.tags() == {"commit": "01234567", "scale": "near", "changed": "lr=0.002", "method": "fast"}
    assert it.before == {"first/source": "sample", "first/files.paths": []}
    change(tree, {"lr": 0.002, "steps": 3, "method": "slow"})
    assert called(tree).scale == "own"


def test_the_description_holds_changes_and_metrics(tree):
    change(tree, {"lr": 0.002})
    note = called(tree).note("abc", {"loss": 0.123456789}, {"data/toy/raw": "d41d8cd98f", "code.py": "ffff"})
    assert "**last@toy**, method fast, scale near, commit `01234567`" in note
    assert "| lr | 0.001 | 0.002 |" in note and "| loss | 0.12346 |" in note
    assert "`data/toy/raw` (d41d8cd9)" in note and "code.py" not in note
    assert "python -m flows.reproduce abc" in note


def test_upstream_follows_the_data():
    assert upstream(stage_entry("acquire", "terrain", ROOT), ROOT) == []
    assert upstream(stage_entry("label", "terrain", ROOT), ROOT) == ["acquire", "project", "select"]
    assert "train" in upstream(stage_entry("evaluate", "terrain", ROOT), ROOT)


def work_long(stage: Stage) -> None:
    """Run long enough for several samples."""
    stage.timing({"preparing_seconds": 0.1})
    work(stage)
    stage.metrics({"loss": 0.5})
    time.sleep(1.0)


def test_system_metrics_figures_and_description_arrive(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.1")
    root = grow_tree(tmp_path / "tree")
    run_tiny(root, work_long)
    assert not [thread for thread in threading.enumerate() if thread.name == "system metrics"]
    client, experiment = connect(root, "tiny")
    (run,) = client.search_runs([experiment])
    assert run.data.tags["mlflow.source.name"] == "tasks.tiny"
    points = client.get_metric_history(run.info.run_id, "system/cpu_utilization_percentage")
    assert len(points) >= 2 and [point.step for point in points] == list(range(len(points)))
    assert max(point.step for point in client.get_metric_history(run.info.run_id, "loss")) == 1199
    assert list(run.data.metrics)[0] == "loss", "what a comparison opens with"
    assert {"preparing_seconds", "stage_seconds"} <= set(run.data.metrics)
    assert {"system/system_memory_usage_percentage", "system/disk_usage_percentage"} <= set(run.data.metrics)
    assert "| score | 0.25 |" in run.data.tags["mlflow.note.content"]


@pytest.mark.parametrize("wanted", ["true", "false"])
def test_short_runs_and_disabled_logging_record_no_system_metrics(wanted, monkeypatch):
    monkeypatch.setenv("MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING", wanted)
    told: list[int] = []
    machine = Machine(lambda values, number: told.append(number))
    machine.start()
    started = time.monotonic()
    machine.stop()
    assert not told and time.monotonic() - started < 1
    assert not [thread for thread in threading.enumerate() if thread.name == "system metrics"]


def test_a_failing_probe_ends_only_the_sampling(monkeypatch):
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.01")
    monkeypatch.setattr(psutil, "disk_usage", None)
    machine = Machine(lambda values, number: None)
    machine.start()
    machine._thread.join(60)
    assert not machine._thread.is_alive()
    machine.stop()


def test_a_value_that_equals_its_default_is_unchanged_and_every_value_is_a_column(tmp_path):
    """Runs compare and record values with defaults filled in, so a default in the file changes nothing."""
    do = {"cmd": "true", "deps": ["data/${key}/scenes"], "outs": ["data/${key}/tiles"]}
    stages = {"project": {"cmd": "true", "outs": ["data/${key}/scenes"]}, "select": do}
    dag = {"stages": {name: {"foreach": "${datasets}", "do": body} for name, body in stages.items()}}
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump(dag))

    def chosen(**project) -> None:
        sections = {"project": project, "select": {"px": 64}}
        (tmp_path / "params.yaml").write_text(yaml.safe_dump({"seed": 3, "datasets": {"toy": sections}}))

    chosen()
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "start"]):
        git(tmp_path, *arguments)
    chosen(gsd=90, resampling="cubic")
    it = called(tmp_path, "select")
    assert it.name == "select@toy" and it.before["project/gsd"] == 90.0 and it.before["project/lowest"] is None
    chosen(gsd=60)
    assert called(tmp_path, "select").name == "select@toy project.gsd=60"
