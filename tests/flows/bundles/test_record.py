"""The journals of a stage that ran elsewhere: attempts become one run, and none may name a file of this machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flows.bundles.archive import ArchiveError
from flows.bundles.record import keep
from tasks.runs.journal import UNSENT

STAGE = "train@toy"


@pytest.fixture(autouse=True)
def _away(monkeypatch):
    """Without MLflow, what would be sent can be read."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")


def journal(folder: Path, number: int, *events: dict) -> None:
    place = folder / UNSENT / f"{STAGE}-{number}"
    (place / "files/1").mkdir(parents=True)
    (place / "files/1/step.png").write_text(str(number))
    (place / "run.json").write_text(
        json.dumps({"name": STAGE, "tags": {"stage": "train"}, "time": number, "run_id": None})
    )
    (place / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    (folder / "data/toy/runs").mkdir(parents=True, exist_ok=True)
    (folder / "data/toy/runs/train.json").write_text(json.dumps({"run_id": None}))


def curve(*steps: int) -> dict:
    return {"kind": "metrics", "points": [["loss", 0.5, 0, step] for step in steps] + [["system/cpu", 1.0, 0, 0]]}


PICTURE = {"kind": "file", "path": "files/1/step.png", "folder": "pictures"}
END = {"kind": "end", "status": "FINISHED", "time": 9}


def test_attempts_become_one_run_whose_curve_has_each_step_once(tmp_path):
    journal(tmp_path / "far", 1, {"kind": "params", "values": {"lr": "1"}}, curve(10, 20, 30), PICTURE)
    journal(tmp_path / "far", 2, {"kind": "params", "values": {"lr": "1"}}, curve(20, 30, 40), PICTURE, END)
    place = keep(STAGE, tmp_path / "far", "d" * 64, {"bundle": "b"}, tmp_path)
    events = [json.loads(line) for line in (place / "events.jsonl").read_text().splitlines()]
    points = [point for event in events if event["kind"] == "metrics" for point in event["points"]]
    assert [point[3] for point in points if point[0] == "loss"] == [10, 20, 30, 40]
    assert len([point for point in points if point[0] == "system/cpu"]) == 1
    assert [(place / event["path"]).read_text() for event in events if event["kind"] == "file"] == ["1", "2"]
    assert events[-1] == END and [event["kind"] for event in events].count("params") == 1
    start = json.loads((place / "run.json").read_text())
    assert start["time"] == 1 and start["tags"] == {"stage": "train", "bundle": "b", "attempts": "2"}
    assert keep(STAGE, tmp_path / "far", "d" * 64, {}, tmp_path) is None, "results that are given twice"


def test_a_journal_that_names_a_file_of_this_machine_is_refused(tmp_path):
    journal(tmp_path / "far", 1, PICTURE | {"path": "files/../../../secret"}, END)
    with pytest.raises(ArchiveError, match="could leave the folder"):
        keep(STAGE, tmp_path / "far", "d" * 64, {}, tmp_path)
