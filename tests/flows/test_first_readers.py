"""Readers of the recorded runs beside stages that record: the first of all, and the first after a move."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from filelock import FileLock

from flows.history.runs import Runs
from tasks.runs import store
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


def test_a_reader_waits_while_another_process_looks_for_stages_at_work(tmp_path, monkeypatch):
    here, root = tmp_path / "here", tmp_path / "moved"
    here.mkdir()
    connect(here, "tiny")
    recording(here).close()
    here.rename(root)
    asked, turn = threading.Event(), store._turn

    def announced(uri: str, root: Path):
        asked.set()
        return turn(uri, root)

    monkeypatch.setattr(store, "_turn", announced)
    with ThreadPoolExecutor(1) as pool:
        with FileLock(root / ".landloom/mlflow.lock"):
            reader = pool.submit(read, root)
            assert asked.wait(60) and not reader.done() and places(root) == {(here / "mlartifacts").as_uri()}
        reader.result(60)
    assert places(root) == {(root / "mlartifacts").as_uri()}


def places(root: Path) -> set[str]:
    """Where the database says that files of the experiment are."""
    with closing(sqlite3.connect(root / "mlflow.db")) as database:
        found = database.execute("SELECT artifact_location FROM experiments WHERE name LIKE 'landloom%'").fetchall()
    return {place.rpartition("/mlartifacts")[0] + "/mlartifacts" for (place,) in found}
