"""A checkout that is moved or copied keeps the files of its runs beside its own database."""

from __future__ import annotations

import shutil
import sqlite3

import pytest

from tasks.core import spent
from tasks.runs.journal import journals
from tasks.runs.moved import InUse
from tasks.runs.sending import send
from tasks.runs.store import connect
from tests.runs.tiny import grow_tree, run_tiny, work


@pytest.fixture
def tree(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    root = grow_tree(tmp_path / "here")
    run_tiny(root, work)
    return root


def pictures(root) -> dict[str, bytes]:
    """Run → its picture, as MLflow finds it."""
    client, experiment = connect(root, "tiny")
    return {
        run.info.run_id: open(client.download_artifacts(run.info.run_id, "pictures/line.png"), "rb").read()
        for run in client.search_runs([experiment])
    }


def test_a_moved_checkout_finds_its_files_and_makes_no_folder_at_the_old_place(tree, tmp_path, capfd):
    before = pictures(tree)
    assert "moved" not in capfd.readouterr().err
    moved = tree.rename(tmp_path / "a place with spaces, ü and %41")
    assert pictures(moved) == before
    (said,) = [line for line in capfd.readouterr().err.splitlines() if "moved" in line]
    assert said == (
        f"this checkout was moved or copied: mlflow.db now names {moved / 'mlartifacts'}, and no longer "
        f"{tree / 'mlartifacts'}"
    )
    run_tiny(moved, work)
    assert len(pictures(moved)) == 2 and not tree.exists()
    assert "moved" not in capfd.readouterr().err


def test_a_copy_writes_nothing_into_the_original(tree, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(tree, copy)
    files = set(tree.rglob("*"))
    run_tiny(copy, work)
    assert len(pictures(copy)) == 2 and len(pictures(tree)) == 1
    assert set(tree.rglob("*")) - files <= {tree / ".landloom/mlflow.lock"}
    with sqlite3.connect(copy / "mlflow.db") as database:
        places = [place for (place,) in database.execute("SELECT artifact_uri FROM runs")]
    assert len(places) == 2 and all(place.startswith((copy / "mlartifacts").as_uri()) for place in places)


def test_one_checkout_under_two_paths_stays_as_it_is(tree, tmp_path, capfd):
    other = tmp_path / "mount"
    other.mkdir()
    (other / "mlflow.db").hardlink_to(tree / "mlflow.db")  # as in a second mount, both are the same file
    connect(other, "tiny")
    assert "moved" not in capfd.readouterr().err and len(pictures(tree)) == 1
    with sqlite3.connect(other / "mlflow.db") as database:
        (place,) = database.execute("SELECT artifact_uri FROM runs").fetchone()
    assert place.startswith((tree / "mlartifacts").as_uri())


def test_a_stage_at_work_under_a_path_that_is_not_seen_here_keeps_its_files(tree, tmp_path, capfd):
    with sqlite3.connect(tree / "mlflow.db") as database:
        database.execute("UPDATE runs SET status = 'RUNNING'")
        before = database.execute("SELECT artifact_uri FROM runs").fetchall()
    copy = tmp_path / "copy"
    shutil.copytree(tree, copy)
    assert len(pictures(copy)) == 1, "a copy has a database of its own"
    host = tree.rename(tmp_path / "host")  # as a host sees the folder that a container has under another path
    capfd.readouterr()
    run_tiny(host, work)
    said = capfd.readouterr().err
    assert f"a stage records into this mlflow.db under another path, {tree};" in said and "moved" not in said
    with sqlite3.connect(host / "mlflow.db") as database:
        assert database.execute("SELECT artifact_uri FROM runs").fetchall() == before
        database.execute("UPDATE runs SET start_time = start_time - 600000")  # nothing was heard since
        database.execute("UPDATE latest_metrics SET timestamp = timestamp - 600000")
    (waiting,) = journals(host)
    send(waiting, host)
    assert len(pictures(host)) == 2 and not tree.exists()


def test_a_stage_that_sends_no_metrics_is_at_work_all_the_same(tree, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING", "false")

    def long(stage) -> None:
        host = tree.rename(tmp_path / "host")  # as a host sees it while the stage works in a container
        with sqlite3.connect(host / "mlflow.db") as database:
            database.execute("UPDATE runs SET start_time = start_time - 600000")
            database.execute("UPDATE latest_metrics SET timestamp = timestamp - 600000")
        with pytest.raises(InUse, match="a stage records into this mlflow.db under another path"):
            connect(host)
        host.rename(tree)
        work(stage)

    run_tiny(tree, long)
    assert len(pictures(tree)) == 2
    assert len(pictures(tree.rename(tmp_path / "host"))) == 2, "after the stage, the checkout counts as moved"


def test_a_database_elsewhere_and_files_on_a_server_stay_as_they_are(tree, tmp_path, monkeypatch):
    shared = tree.parent / "shared.db"
    shutil.copy(tree / "mlflow.db", shared)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{shared}")
    connect(grow_tree(tmp_path / "other"), "tiny")
    with sqlite3.connect(shared) as database:
        places = {place for (place,) in database.execute("SELECT artifact_uri FROM runs")}
    assert places and all(place.startswith((tree / "mlartifacts").as_uri()) for place in places)
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    with sqlite3.connect(tree / "mlflow.db") as database:
        database.execute("UPDATE experiments SET artifact_location = 's3://bucket/mlartifacts/7'")
    connect(tree)
    with sqlite3.connect(tree / "mlflow.db") as database:
        assert set(database.execute("SELECT artifact_location FROM experiments")) == {("s3://bucket/mlartifacts/7",)}


def test_a_copy_deletes_no_checkpoints_of_the_original(tmp_path):
    here, copy = tmp_path / "here", tmp_path / "copy"
    checkpoints = here / ".landloom/checkpoints/a"
    checkpoints.mkdir(parents=True)
    spent.mark(here, checkpoints, "data/toy/model")
    shutil.copytree(here, copy)
    spent.clear(copy, ["data/toy/model"])
    assert checkpoints.exists() and not (copy / ".landloom/checkpoints/a").exists()
    outside = tmp_path / "bucket"
    outside.mkdir()
    spent.mark(here, outside, "data/toy/model")
    spent.clear(here, ["data/toy/model"])
    assert not outside.exists() and not checkpoints.exists()
