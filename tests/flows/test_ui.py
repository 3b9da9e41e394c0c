"""MLflow's pages open at tables with chosen columns, best first; the server that shows them has two processes."""

from __future__ import annotations

import json

import psutil
import pytest

from flows.ui import command, links
from tasks.core.settings import ROOT
from tasks.runs.figures import shown_tag
from tasks.runs.links import run_page
from tasks.runs.store import connect
from tests.servers import free_port, process

RUNS = {"evaluate": {"headline": 0.5, "headline_floor": 0.1}, "train": {"loss": 2.0}, "select": {"kept": 12}}


@pytest.fixture
def recorded(tmp_path, monkeypatch):
    """A checkout's database with runs of three stages."""
    (tmp_path / "params.yaml").write_text("seed: 1\ndatasets: {terrain: {}, maps: {}}\n")
    (tmp_path / "dvc.yaml").write_text((ROOT / "dvc.yaml").read_text())
    (tmp_path / "data/maps/evaluation").mkdir(parents=True)
    account = {"headline": "recall", "metrics": [{"name": "recall", "better": "higher"}]}
    (tmp_path / "data/maps/evaluation/metrics.json").write_text(json.dumps(account))
    for room, metrics in RUNS.items():
        client, experiment = connect(tmp_path, room)
        tags = {"dataset": "terrain", "stage": room, **shown_tag(metrics)}
        run = client.create_run(experiment, tags=tags)
        for name, value in metrics.items():
            client.log_metric(run.info.run_id, name, value)
        client.set_terminated(run.info.run_id)
    return tmp_path


def view(client, address: str) -> dict:
    experiment, _, query = address.partition("#/experiments/")[2].partition("/runs?")
    name = query.partition("viewStateShareKey=")[2].partition("&")[0]
    return json.loads(client.get_experiment(experiment).tags[f"mlflow.sharedViewState.{name}"])


def test_each_address_names_a_view_with_columns_that_its_runs_have(recorded, monkeypatch):
    client, _ = connect(recorded)
    rows, saved = links(recorded)
    found = dict(rows)
    assert list(found) == [
        *("best training of terrain", "best training of maps"),
        *("runs of select", "runs of train", "runs of evaluate"),
    ]
    for room, metrics in RUNS.items():
        columns = view(client, found[f"runs of {room}"])["selectedColumns"]
        assert {f"metrics.`{name}`" for name in metrics} <= set(columns) and "tags.`dataset`" in columns
    best = view(client, found["best training of terrain"])
    assert best["orderByKey"] == "metrics.`headline`" and best["orderByAsc"] is True
    assert best["searchFilter"] == "tags.dataset = 'terrain'" and best["selectedColumns"][0] == "metrics.`headline`"
    assert view(client, found["best training of maps"])["orderByAsc"] is False, "the evaluation says what is better"
    writes = []
    monkeypatch.setattr(type(client), "set_experiment_tag", lambda *given: writes.append(given))
    assert saved == len(found) and links(recorded) == (rows, 0) and not writes, "what is saved is not written again"
    experiment = found["runs of evaluate"].partition("#/experiments/")[2].partition("/")[0]
    assert len(client.search_runs([experiment], best["searchFilter"])) == 1


def test_the_pages_need_two_processes_and_know_a_run_by_its_id_alone(recorded, monkeypatch):
    monkeypatch.setattr("flows.ui.UI", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")
    served = command(recorded)
    url = f"http://{served[served.index('--host') + 1]}:{served[served.index('--port') + 1]}"
    with process(served, f"{url}/health", recorded / "ui.log") as server:
        family = [server.pid, *(child.pid for child in psutil.Process(server.pid).children(recursive=True))]
        assert len(family) <= 3 and sum(psutil.Process(pid).memory_info().rss for pid in family) < 1e9
    scripts = [path.read_text() for path in recorded_bundle().glob("main.*.js")]
    assert scripts and all('"/runs/:runUuid"' in text for text in scripts), "the route of `run_page`"


def recorded_bundle():
    """The folder of the scripts of MLflow's pages."""
    import mlflow.server

    return (ROOT / mlflow.server.__file__).parent / "js/build/static/js"


def test_a_page_of_a_server_is_named_without_its_password(monkeypatch):
    assert run_page("abc") == "http://127.0.0.1:5000/#/runs/abc"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://me:secret@runs.example.org/")
    assert run_page("abc") == "https://runs.example.org/#/runs/abc"


def test_a_fresh_checkout_has_no_addresses_yet(tmp_path):
    (tmp_path / "dvc.yaml").write_text((ROOT / "dvc.yaml").read_text())
    assert links(tmp_path) == ([], 0)
