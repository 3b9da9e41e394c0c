"""What a stage records in MLflow, and six first users of a new database at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tasks.core.dag import stage_entry
from tasks.core.errors import LandloomError
from tasks.core.hashing import dvc_md5
from tasks.core.inputs import input_hash
from tasks.core.settings import ROOT
from tasks.core.stage import Stage
from tasks.runs.figures import recorded
from tasks.runs.provenance import git_state
from tasks.runs.store import connect, experiments
from tasks.runs.tracking import warn_away
from tests.runs.tiny import SECRET, Params, git, grow_tree, run_tiny, work
from tests.together import run_together


@pytest.fixture(scope="module", autouse=True)
def environment():
    """Keys in the environment, and no address of a server."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", SECRET)
        patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        yield


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A tree in which the stage ran once."""
    root = grow_tree(tmp_path_factory.mktemp("tree"))
    run_tiny(root, work)
    return root


@pytest.fixture(scope="module")
def client(tree):
    return connect(tree)[0]


@pytest.fixture(scope="module")
def record(tree) -> dict:
    return json.loads((tree / "data/toy/runs/tiny.json").read_text())


def test_the_run_holds_its_provenance(tree, client, record):
    run = client.get_run(record["run_id"])
    assert (run.info.run_name, run.info.status) == ("tiny@toy", "FINISHED")
    assert run.data.params == {"seed": "3", "size": "2", "deep.x": "0.5"}
    tags = run.data.tags
    assert (tags["stage"], tags["dataset"]) == ("tiny", "toy")
    assert tags["git.commit"] == git(tree, "rev-parse", "HEAD").strip() == record["commit"]
    assert tags["dvc.in.code.py"] == dvc_md5(tree / "code.py") == record["inputs"]["code.py"]
    assert tags["dvc.out.data/toy/out"] == dvc_md5(tree / "data/toy/out") == record["outs"]["data/toy/out"]
    assert tags["dvc.out.data/toy/metrics/tiny.json"] == record["outs"]["data/toy/metrics/tiny.json"]
    assert {"hardware.cores", "hardware.memory_gib", "hardware.python"} <= set(tags)
    assert {entry.dataset.name: entry.dataset.digest for entry in run.inputs.dataset_inputs} == {
        "toy/in": dvc_md5(tree / "data/toy/in")
    }


def test_metrics_by_step_all_arrive_and_final_ones_are_an_output_too(tree, client, record):
    history = client.get_metric_history(record["run_id"], "loss")
    assert sorted(point.step for point in history) == list(range(1200))
    run = client.get_run(record["run_id"])
    assert run.data.metrics["score"] == 0.25
    assert "stage_seconds" in run.data.metrics
    assert json.loads((tree / "data/toy/metrics/tiny.json").read_text()) == {"score": 0.25}, "for DVC's tables"
    assert record["figures"] == recorded(tree, "toy", "tiny") == {"score": 0.25, "detail": 7}
    assert run.data.metrics["detail"] == 7 and "stage_seconds" not in record["figures"]


def test_pictures_and_the_state_of_the_tree_are_attached(client, record):
    names = {
        item.path for folder in ("pictures", "lineage") for item in client.list_artifacts(record["run_id"], folder)
    }
    assert names == {
        "pictures/line.png",
        "lineage/dirty.patch",
        "lineage/dvc.yaml",
        "lineage/params.yaml",
        "lineage/inputs.json",
    }


def test_the_patch_on_the_commit_gives_the_code_that_ran(tree, client, record, tmp_path):
    patch = client.download_artifacts(record["run_id"], "lineage/dirty.patch", str(tmp_path))
    git(tree, "worktree", "add", "-q", "--detach", str(tmp_path / "again"), record["commit"])
    git(tmp_path / "again", "apply", patch)
    assert (tmp_path / "again/code.py").read_text() == "answer = 42\n"
    assert (tmp_path / "again/new_module.py").read_text() == "born = True\n"
    assert record["dirty"] is True


def test_secrets_reach_no_parameter_tag_or_file(tree):
    found = [
        path for path in tree.rglob("*") if path.is_file() and ".git" not in path.parts and path.name != "keys.env"
    ]
    assert {"mlflow.db", "dirty.patch", "tiny.json"} <= {path.name for path in found}
    assert not [path for path in found if SECRET.encode() in path.read_bytes()]


def test_the_input_hash_follows_data_code_and_parameters(tree, tmp_path):
    entry = stage_entry("tiny", "toy", tree)
    for name in ("dvc.yaml", "params.yaml", "code.py"):
        (tmp_path / name).write_bytes((tree / name).read_bytes())
    (tmp_path / "data/toy/in").mkdir(parents=True)
    (tmp_path / "data/toy/in/a.txt").write_text("input")
    assert input_hash(entry, tmp_path) == input_hash(entry, tree)
    (tmp_path / "data/toy/in/a.txt").write_text("inpuT")
    assert input_hash(entry, tmp_path) != input_hash(entry, tree)


def test_a_clean_tree_has_an_empty_patch_and_no_repository_has_none(tmp_path):
    assert git_state(tmp_path) == (None, None)
    root = grow_tree(tmp_path / "clean")
    git(root, "add", "*.py")
    git(root, "commit", "-qam", "more")
    assert git_state(root) == (git(root, "rev-parse", "HEAD").strip(), "")


def test_a_stage_that_fails_leaves_a_failed_run_and_no_record(tree, client):
    def refuse(stage: Stage[Params]) -> None:
        stage.metrics({"before": 1.0}, step=1)
        raise LandloomError("in/a.txt: not a raster")

    before = (tree / "data/toy/runs/tiny.json").read_bytes()
    with pytest.raises(LandloomError, match="not a raster"):
        run_tiny(tree, refuse)
    experiment = experiments(client)["landloom/tiny"]
    newest = client.search_runs([experiment], order_by=["attributes.start_time DESC"], max_results=1)[0]
    assert newest.info.status == "FAILED"
    assert newest.data.metrics == {"before": 1.0}
    assert (tree / "data/toy/runs/tiny.json").read_bytes() == before


def test_a_missing_output_is_an_error(tree):
    (tree / "data/other").mkdir()
    with pytest.raises(RuntimeError, match="ended without writing data/toy/out"):
        run_tiny(tree, lambda stage: (stage.dir / "out").rename(tree / "data/other/out"))


def test_a_warning_shows_no_credentials(capfd, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"postgresql://me:{SECRET}@db.example.org/runs")
    warn_away(RuntimeError(f"cannot reach postgresql://me:{SECRET}@db.example.org/runs\nmore"), "nothing is kept")
    said = capfd.readouterr().err
    assert SECRET not in said and "db.example.org/runs" in said and said.count("\n") == 1


def first_user(root: Path) -> None:
    client, experiment = connect(root, "tiny")
    client.create_run(experiment, tags={"who": str(os.getpid())})


def test_six_parallel_first_users_of_a_new_database_all_finish(tmp_path):
    assert run_together(first_user, [(tmp_path,)] * 6) == [0] * 6
    client, experiment = connect(tmp_path, "tiny")
    assert len({run.data.tags["who"] for run in client.search_runs([experiment])}) == 6


def test_hashes_equal_those_of_dvc(tmp_path):
    folder = tmp_path / "out"
    for name in (
        "a/x",
        "a-b/x",
        "a b.txt",
        "é/ü.bin",
        "sub/deep/file",
        "tasks/__pycache__/m.cpython-311.pyc",
        "old.pyc",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode() * 3)
    (folder / "crlf.txt").write_bytes(b"one\r\ntwo\r\n")
    (tmp_path / "empty").mkdir()
    (tmp_path / "file.txt").write_text("alone")
    (tmp_path / ".dvcignore").write_text((ROOT / ".dvcignore").read_text())
    for command in (["init", "-q", "--no-scm"], ["add", "-q", "out", "file.txt", "empty"]):
        subprocess.run([sys.executable, "-m", "dvc", *command], cwd=tmp_path, check=True)
    for name in ("out", "file.txt", "empty"):
        assert dvc_md5(tmp_path / name) == yaml.safe_load((tmp_path / f"{name}.dvc").read_text())["outs"][0]["md5"]
