"""The record of a run travels with its outputs: from a worker's clone through the DVC remote into MLflow here."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from flows.elsewhere.record import bring, bring_all, push
from flows.history.origins import gather
from flows.history.runs import Runs
from flows.history.tree import tree
from flows.worker import keep_record
from tasks.core.errors import LandloomError
from tasks.runs.journal import journals
from tasks.runs.sending import send
from tasks.runs.store import connect
from tasks.runs.tracking import KEEP
from tests.flows.made import grow, make

MADE = ("model", "runs/train.json")


@pytest.fixture
def places(tmp_path, monkeypatch):
    """A driver whose MLflow has the runs of acquire and label, and the worker's clone, which has the data alone."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    driver, worker = tmp_path / "driver", tmp_path / "worker"
    grow(driver, ("acquire", "label"))
    remote = f"[core]\n    remote = there\n['remote \"there\"']\n    url = {tmp_path / 'remote'}\n"
    (driver / ".dvc/config").write_text(remote)
    shutil.copytree(driver, worker, ignore=shutil.ignore_patterns("mlflow.db", "mlartifacts", ".landloom"))
    return driver, worker, tmp_path / "state"


def work(worker: Path, monkeypatch, uri: str | None = None) -> dict:
    """Train there, as `flows.worker` starts it; returns the run file."""
    with monkeypatch.context() as patch:
        patch.setenv(KEEP, "1")
        if uri:
            patch.setenv("MLFLOW_TRACKING_URI", uri)
        make(worker, "train")
    return json.loads((worker / "data/terrain/runs/train.json").read_text())


def restore(worker: Path, driver: Path) -> None:
    """Bring the outputs back, byte for byte, as DVC does."""
    for name in MADE:
        there = driver / "data/terrain" / name
        copy = shutil.copytree if (worker / "data/terrain" / name).is_dir() else shutil.copyfile
        copy(worker / "data/terrain" / name, there)


def lineage(driver: Path) -> str:
    return tree(gather("train@terrain", driver))


def test_the_run_of_a_worker_without_a_store_arrives_here_and_leads_to_its_sources(places, monkeypatch):
    driver, worker, state = places
    assert work(worker, monkeypatch)["run_id"] is None and not (worker / "mlflow.db").exists()
    push("train@terrain", worker, state)
    restore(worker, driver)
    with pytest.raises(LandloomError, match="MLflow .* has no run that wrote data/terrain/runs/train.json"):
        lineage(driver)
    assert bring("train@terrain", driver).startswith("its run was brought here: MLflow has it as run ")
    run = Runs(driver).of_checkout("train@terrain")
    assert run.metrics["headline"] == 0.5 and run.params["method"] == "m" and run.started <= run.ended
    assert {item.path for item in Runs(driver).client.list_artifacts(run.run_id, "lineage")} >= {"lineage/params.yaml"}
    text = lineage(driver)
    assert f"train@terrain  run {run.run_id}" in text and "licence: CC-BY-4.0" in text
    assert "  headline 0.5, rasters 7\n" in text, "what the stage finds worth showing, in its order"
    assert bring("train@terrain", driver) == f"MLflow has its run {run.run_id}"  # nothing is sent twice
    assert journals(driver) == []


def test_a_run_in_the_workers_own_store_is_brought_here_too(places, monkeypatch, tmp_path):
    driver, worker, state = places
    there = work(worker, monkeypatch, f"sqlite:///{tmp_path / 'other.db'}")["run_id"]
    push("train@terrain", worker, state)
    restore(worker, driver)
    assert list(bring_all(driver))[0].startswith("train@terrain: its run was brought here")  # as `flows.unsent` does
    run = Runs(driver).of_checkout("train@terrain")
    assert run.run_id != there and run.metrics["headline"] == 0.5 and "licence: CC-BY-4.0" in lineage(driver)
    assert list(bring_all(driver)) == []


def test_a_killed_attempt_is_part_of_the_run_of_the_next(places, monkeypatch):
    driver, worker, state = places
    work(worker, monkeypatch)
    (first,) = (worker / ".landloom/kept").iterdir()
    curve = [{"kind": "metrics", "points": [["loss", 1.0 / (step + 1), 0, step] for step in range(4)]}]
    (first / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in curve))
    keep_record(worker, state)
    work(worker, monkeypatch)
    push("train@terrain", worker, state)
    assert not list((state / "kept").iterdir())
    restore(worker, driver)
    bring("train@terrain", driver)
    run = Runs(driver).of_checkout("train@terrain")
    tags = Runs(driver).client.get_run(run.run_id).data.tags
    history = Runs(driver).client.get_metric_history(run.run_id, "loss")
    assert tags["attempts"] == "2" and sorted(point.step for point in history) == [0, 1, 2, 3]


def test_the_record_of_a_run_that_ended_before_its_worker_was_killed_is_not_lost(places, monkeypatch):
    driver, worker, state = places
    work(worker, monkeypatch)
    keep_record(worker, state)  # as the next attempt does, for which DVC's run cache restores the outputs
    assert push("train@terrain", worker, state) == "its record is in the remote"
    assert not list((state / "kept").iterdir())
    restore(worker, driver)
    assert bring("train@terrain", driver).startswith("its run was brought here")
    assert "licence: CC-BY-4.0" in lineage(driver)
    assert "in the remote already" in push("train@terrain", worker, state)


def test_the_record_of_another_run_is_not_taken_for_it(places, monkeypatch):
    driver, worker, state = places
    work(worker, monkeypatch)
    (journal,) = (worker / ".landloom/kept").iterdir()
    events = (journal / "events.jsonl").read_text()
    (journal / "events.jsonl").write_text(events.replace('"status": "FINISHED"', '"status": "KILLED"'))
    keep_record(worker, state)
    assert "is with the machine" in push("train@terrain", worker, state), "a run that did not end"
    (state / "kept" / journal.name / "events.jsonl").write_text(events)
    (worker / "data/terrain/runs/train.json").write_text("{}")
    assert "is with the machine" in push("train@terrain", worker, state), "a run that wrote another run file"
    assert not (worker.parent / "remote").exists() and len(list((state / "kept").iterdir())) == 1


def test_a_record_that_came_while_mlflow_was_away_makes_no_second_run_of_a_shared_store(places, monkeypatch):
    driver, worker, state = places
    there = work(worker, monkeypatch, f"sqlite:///{driver / 'mlflow.db'}")["run_id"]
    push("train@terrain", worker, state)
    restore(worker, driver)
    with monkeypatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
        with pytest.raises(LandloomError, match="nothing was sent"):
            bring("train@terrain", driver)
    (waiting,) = journals(driver)
    assert send(waiting, driver) == there and journals(driver) == []
    client, experiment = connect(driver, "train")
    assert [run.info.run_id for run in client.search_runs([experiment])] == [there]


def test_while_mlflow_is_away_the_record_waits_here(places, monkeypatch):
    driver, worker, state = places
    work(worker, monkeypatch)
    push("train@terrain", worker, state)
    restore(worker, driver)
    with monkeypatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
        for _ in range(2):
            with pytest.raises(LandloomError, match="nothing was sent"):
                bring("train@terrain", driver)
    (waiting,) = journals(driver)
    send(waiting, driver)
    assert "licence: CC-BY-4.0" in lineage(driver)


def test_what_the_remote_does_not_have_or_cannot_give_is_told(places, monkeypatch, capfd):
    driver, worker, state = places
    work(worker, monkeypatch)
    restore(worker, driver)
    assert bring("train@terrain", driver).endswith("the DVC remote has no record of it: the run is where the stage ran")
    push("train@terrain", worker, state)
    (record,) = (worker.parent / "remote/landloom/runs").iterdir()
    record.write_bytes(record.read_bytes()[:700])
    with pytest.raises(LandloomError, match="train@terrain: the record of its run in the DVC remote is damaged"):
        bring("train@terrain", driver)
    assert journals(driver) == []
    work(worker, monkeypatch)
    shutil.rmtree(worker.parent / "remote")
    (worker.parent / "remote").write_text("")  # no folder any more
    push("train@terrain", worker, state)
    assert "warning: the record of this run cannot be put into the DVC remote" in capfd.readouterr().out
    assert len(list((worker / ".landloom/kept").iterdir())) == 1
