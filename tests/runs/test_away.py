"""Stages finish and lose nothing if MLflow, Prefect or the DVC remote is unreachable, slow or full.

Every failure is real: a closed port, a server that accepts a connection and stays silent, a server that answers with
errors, a database that cannot grow. Afterwards the kept runs are sent to a real MLflow server.
"""

from __future__ import annotations

import json
import os
import resource
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from flows.push import push
from tasks.core.errors import LandloomError
from tasks.core.hashing import dvc_md5
from tasks.core.settings import ROOT
from tasks.core.stage import Stage
from tasks.runs.journal import journals, taken
from tasks.runs.sending import send
from tasks.runs.store import connect
from tests.runs.tiny import SECRET, Params, grow_tree, run_tiny, work
from tests.servers import Gate, free_port, mlflow_server


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """Remove addresses of servers, and settings that `connect` made for the libraries."""
    for name in list(os.environ):
        if name.startswith(("MLFLOW_TRACKING", "MLFLOW_HTTP", "PREFECT_API")):
            monkeypatch.delenv(name)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A real MLflow server on a database in a file."""
    folder = tmp_path_factory.mktemp("server")
    with mlflow_server(folder, f"sqlite:///{folder}/mlflow.db", str(folder / "artifacts")) as url:
        yield url


@pytest.fixture
def gate(server, monkeypatch):
    """The server behind a gate; the stage has the gate's address."""
    with Gate(server) as gate:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", gate.url)
        yield gate


@pytest.fixture
def tree(tmp_path):
    return grow_tree(tmp_path / "tree")


@contextmanager
def silent_port():
    """A port that accepts connections and stays silent."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield listener.getsockname()[1]


def held(tree: Path) -> dict:
    """Check that all outputs are there with their recorded hashes; returns the run file."""
    record = json.loads((tree / "data/toy/runs/tiny.json").read_text())
    for path, digest in record["outs"].items():
        assert dvc_md5(tree / path) == digest
    assert json.loads((tree / "data/toy/metrics/tiny.json").read_text()) == {"score": 0.25}
    return record


def is_whole(tree: Path, run_id: str) -> None:
    """Check that the run in MLflow is complete, as without any failure."""
    client, _ = connect(tree)
    run = client.get_run(run_id)
    record = held(tree)
    assert (run.info.run_name, run.info.status) == ("tiny@toy", "FINISHED")
    assert run.data.params == {"seed": "3", "size": "2", "deep.x": "0.5"}
    assert run.data.tags["dvc.out.data/toy/out"] == record["outs"]["data/toy/out"]
    assert run.data.tags["git.commit"] == record["commit"]
    assert sorted(point.step for point in client.get_metric_history(run_id, "loss")) == list(range(1200))
    assert run.data.metrics["score"] == 0.25
    assert [entry.dataset.name for entry in run.inputs.dataset_inputs] == ["toy/in"]
    names = {item.path for folder in ("pictures", "lineage") for item in client.list_artifacts(run_id, folder)}
    assert {"pictures/line.png", "lineage/dirty.patch", "lineage/params.yaml"} <= names


@pytest.mark.parametrize("how", ["refuses", "silent", "500", "database", "silent database"])
def test_an_unreachable_server_costs_seconds_and_one_line_and_the_run_is_sent_later(
    how, tree, server, monkeypatch, capfd
):
    with silent_port() as silent, Gate(server) as gate:
        gate.rule = lambda method, path: 500
        monkeypatch.setenv(
            "MLFLOW_TRACKING_URI",
            {
                "refuses": f"http://someone:{SECRET}@127.0.0.1:{free_port()}",
                "silent": f"http://someone:{SECRET}@127.0.0.1:{silent}",
                "500": gate.url,
                "database": f"postgresql://someone:{SECRET}@127.0.0.1:{free_port()}/runs",
                "silent database": f"postgresql://someone:{SECRET}@127.0.0.1:{silent}/runs",
            }[how],
        )
        started = time.monotonic()
        run_tiny(tree, work)
        assert time.monotonic() - started < 25
    assert held(tree)["run_id"] is None
    said = capfd.readouterr().err
    assert said.count("warning: ") == 1 and SECRET not in said
    assert "this run is missing there until `python -m flows.unsent` sends it" in said
    (folder,) = journals(tree)
    assert not [path for path in folder.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]

    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    is_whole(tree, send(folder, tree))
    assert journals(tree) == []


@pytest.mark.parametrize("how", ["hang", 500, 507])
def test_a_server_that_breaks_under_a_run_loses_nothing_of_it(how, tree, gate, monkeypatch, capfd):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "2")  # instead of the ten of a real run, to save time

    def break_and_work(stage: Stage[Params]) -> None:
        gate.rule = lambda method, path: how
        work(stage)

    started = time.monotonic()
    run_tiny(tree, break_and_work)
    assert time.monotonic() - started < 15
    run_id = held(tree)["run_id"]
    assert run_id is not None
    said = capfd.readouterr().err
    assert said.count("warning: ") == 1
    assert "the rest of this run is missing there until `python -m flows.unsent` sends it" in said
    (folder,) = journals(tree)
    with pytest.raises(LandloomError, match="nothing was sent"):
        send(folder, tree)
    gate.rule = lambda method, path: None
    assert send(folder, tree) == run_id
    is_whole(tree, run_id)


def test_full_artifact_storage_stops_nothing_else(tree, gate, capfd):
    gate.rule = lambda method, path: 507 if "/mlflow-artifacts/" in path and method == "PUT" else None
    run_tiny(tree, work)
    run_id = held(tree)["run_id"]
    assert capfd.readouterr().err.count("warning: ") == 1
    (folder,) = journals(tree)
    with pytest.raises(LandloomError, match=r"^tiny@toy-\w+: \d of \d+ entries could not be sent and stay: .*507"):
        send(folder, tree)
    client, _ = connect(tree)
    assert client.get_run(run_id).data.metrics["score"] == 0.25, "what MLflow can take has arrived"
    gate.rule = lambda method, path: None
    assert send(folder, tree) == run_id
    is_whole(tree, run_id)


def test_a_disk_that_is_full_for_the_database(tree, capfd):
    connect(tree)
    database = tree / "mlflow.db"

    def fill_and_work(stage: Stage[Params]) -> None:
        # The kernel refuses to let any file grow past this, as it refuses on a full disk.
        resource.setrlimit(resource.RLIMIT_FSIZE, (database.stat().st_size, limits[1]))
        work(stage)

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        run_tiny(tree, fill_and_work)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    run_id = held(tree)["run_id"]
    assert capfd.readouterr().err.count("warning: ") == 1
    (folder,) = journals(tree)
    assert send(folder, tree) == run_id
    is_whole(tree, run_id)


def test_if_the_run_cannot_be_kept_the_stage_finishes_and_reports_the_loss(tree, monkeypatch, capfd):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    (tree / ".landloom").mkdir(exist_ok=True)
    (tree / ".landloom/unsent").write_text("in the way")
    run_tiny(tree, work)
    assert held(tree)["run_id"] is None
    said = capfd.readouterr().err
    assert said.count("warning: ") == 2 and "the run cannot be kept here either and is lost: " in said


KEEP_AND_WAIT = """
import sys, time
from pathlib import Path
from tasks.runs.journal import Journal
start = {"run_id": None, "name": "tiny@toy", "tags": {"stage": "tiny"}, "time": 1}
journal = Journal(Path(sys.argv[1]), "tiny@toy", start)
journal.keep({"kind": "params", "values": {"size": "2"}})
print("kept", flush=True)
time.sleep(60)
"""


def test_a_kept_run_is_sent_after_its_stage_ended_and_a_killed_run_is_marked(tmp_path, server, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    command = [sys.executable, "-c", KEEP_AND_WAIT, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout.readline() == "kept\n"
        (folder,) = journals(tmp_path)
        with taken(folder) as free:
            assert not free
        writer.kill()
    with (folder / "events.jsonl").open("a") as stream:
        stream.write('{"kind": "met')  # a line that a kill cut off
    with taken(folder) as free:
        assert free
        run_id = send(folder, tmp_path)
    run = connect(tmp_path)[0].get_run(run_id)
    assert (run.info.status, run.data.params) == ("KILLED", {"size": "2"})


FIRST_USE = (
    "import sys, pathlib; from tasks.runs.store import connect; print(connect(pathlib.Path(sys.argv[1]), 'tiny')[1])"
)


def test_a_kill_while_the_tables_are_created_leaves_no_partial_database(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", FIRST_USE, str(tmp_path)], cwd=ROOT, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 150
    part = tmp_path / "mlflow.db.part"
    while not (part.exists() and part.stat().st_size > 200_000):  # the finished file has more than a million bytes
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    process.kill()
    process.communicate()
    assert not (tmp_path / "mlflow.db").exists()
    subprocess.run([sys.executable, "-c", FIRST_USE, str(tmp_path)], cwd=ROOT, check=True)  # here it would be a copy
    client, experiment = connect(tmp_path, "tiny")
    assert client.get_experiment(experiment).name == "landloom/tiny"
    assert [path.name for path in tmp_path.glob("mlflow.db*")] == ["mlflow.db"]


def test_a_silent_prefect_server_is_reported_in_one_line_and_dvc_needs_no_server():
    with silent_port() as port:
        done = subprocess.run(
            [sys.executable, "-m", "flows.pipeline", "--dry"],
            cwd=ROOT,
            env=os.environ | {"PREFECT_API_URL": f"http://someone:{SECRET}@127.0.0.1:{port}/api"},
            capture_output=True,
            text=True,
            timeout=150,
        )
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith("Prefect (http://") and done.stderr.count("\n") == 1
    assert "dvc repro" in done.stderr and SECRET not in done.stderr


def test_stages_finish_without_the_dvc_remote(tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "someone")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")

    def dvc(*arguments: str) -> None:
        subprocess.run(["dvc", *arguments], cwd=tmp_path, check=True, capture_output=True)

    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    dvc("init", "-q")
    dvc("remote", "add", "-d", "storage", "s3://bucket/dvc")
    (tmp_path / "dvc.yaml").write_text("stages: {made: {cmd: cp in out, deps: [in], outs: [out]}}")
    (tmp_path / "in").write_text("made")
    with silent_port() as silent, Gate("http://127.0.0.1:9") as gate:
        gate.rule = lambda method, path: 507 if method in ("PUT", "POST") else 200 if path == "/" else 404
        for number, address in enumerate((f"http://127.0.0.1:{free_port()}", f"http://127.0.0.1:{silent}", gate.url)):
            remote = f"['remote \"storage\"']\n    endpointurl = {address}\n"
            (tmp_path / ".dvc" / "config.local").write_text(remote)
            if number == 0:
                dvc("repro", "-q")
                assert (tmp_path / "out").read_text() == "made" and (tmp_path / "dvc.lock").exists()
            started = time.monotonic()
            with pytest.raises(LandloomError) as told:
                push(tmp_path)
            assert time.monotonic() - started < 20
            said = str(told.value)
            assert said.startswith(
                f"the DVC remote 'storage' ({address}) is unreachable or full, so the new data are on "
            )
            assert "nothing is lost, and `dvc push --run-cache` sends it later: " in said
            assert "\n" not in said and SECRET not in said

    # The remote is back, here as a folder: everything arrives.
    dvc("remote", "add", "--local", "-d", "-f", "storage", str(tmp_path / "remote"))
    push(tmp_path)
    arrived = [
        path.relative_to(tmp_path / "remote").parts[0] for path in (tmp_path / "remote").rglob("*") if path.is_file()
    ]
    assert sorted(arrived) == ["files", "runs"]
