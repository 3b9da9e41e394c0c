"""Readers of the recorded runs beside stages that record: the first of all, and the first after a move."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from filelock import FileLock

from flows.history.runs import Runs
from tasks.runs.moved import recording
from tasks.runs.store import connect
from tests.together import run_together


@pytest.fixture(autouse=True)
def own_database(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def read(root: Path) -> None:
    assert [one.name for one in Runs(root).client.search_experiments()]


def test_four_readers_of_a_new_database_at_once_all_finish(tmp_path):
    assert run_together(read, [(tmp_path,)] * 4) == [0] * 4


def test_a_reader_waits_while_another_process_looks_for_stages_at_work(tmp_path):
    here, root = tmp_path / "here", tmp_path / "moved"
    here.mkdir()
    connect(here, "tiny")
    recording(here).close()
    here.rename(root)
    reader = threading.Thread(target=read, args=(root,), daemon=True)
    with FileLock(root / ".landloom/mlflow.lock"):
        reader.start()
        reader.join(1)
        assert reader.is_alive() and places(root) == {(here / "mlartifacts").as_uri()}
    reader.join(60)
    assert not reader.is_alive() and places(root) == {(root / "mlartifacts").as_uri()}


def places(root: Path) -> set[str]:
    """Where the database says that files of the experiment are."""
    with closing(sqlite3.connect(root / "mlflow.db")) as database:
        found = database.execute("SELECT artifact_location FROM experiments WHERE name LIKE 'landloom%'").fetchall()
    return {place.rpartition("/mlartifacts")[0] + "/mlartifacts" for (place,) in found}
