"""The settings of a checkout reach every command: pasted `prefect` commands and flows use the server that runs here."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request

import pytest

from flows.dispatch import dispatch
from flows.outside.here import is_ours
from flows.pipeline import pipeline
from flows.ready import wait
from flows.refresh import refresh
from flows.sweep import sweep
from tasks.core.errors import LandloomError
from tasks.core.settings import ROOT

FLOWS = (pipeline, refresh, sweep, dispatch)
CHOSEN = "import os, flows; print(os.environ['PREFECT_API_URL'] or 'its own')"


def clean(**more: str) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")} | more


@pytest.fixture
def checkout(small, server):
    """The small repository with the flows of this one, and with the test's server in its prefect.toml."""
    shutil.rmtree(small / "tasks")
    for name in ("flows", "models", "infra", "tasks"):
        shutil.copytree(ROOT / name, small / name, ignore=shutil.ignore_patterns("__pycache__"))
    text = (ROOT / "prefect.toml").read_text()
    assert 'url = "http://127.0.0.1:4200/api"' in text
    (small / "prefect.toml").write_text(text.replace("http://127.0.0.1:4200/api", server["PREFECT_API_URL"]))
    shutil.copy(ROOT / "prefect.yaml", small)
    return small


def test_commands_pasted_into_a_shell_reach_the_server_and_so_do_flows(checkout, server, tmp_path):
    env = clean(HOME=str(tmp_path), PREFECT_HOME=server["PREFECT_HOME"])  # as a checkout whose server this is

    def run(*command: str) -> str:
        done = subprocess.run(command, cwd=checkout, env=env, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert run(sys.executable, "-c", CHOSEN).strip() == server["PREFECT_API_URL"]
    run(sys.executable, "-m", "flows.ready")
    run("prefect", "work-pool", "create", "landloom", "--type", "process", "--overwrite")
    run("prefect", "--no-prompt", "deploy", "--all")
    started = run("prefect", "deployment", "run", "pipeline/pipeline", "--param", "dry=true")
    assert "pipeline/pipeline" in started
    said = run(sys.executable, "-m", "flows.pipeline", "@terrain", "--dry", "-S", "datasets.terrain.train.steps=7")
    assert "train@terrain: would run" in said

    def ask(kind: str, what: dict) -> list[dict]:
        body = json.dumps(what).encode()
        url = f"{server['PREFECT_API_URL']}/{kind}/filter"
        return json.load(
            urllib.request.urlopen(urllib.request.Request(url, body, {"Content-Type": "application/json"}))
        )

    names = [one["name"] for one in ask("flow_runs", {"sort": "START_TIME_DESC", "limit": 50})]
    assert "dry run of @terrain steps=7" in names
    assert any(one["description"] == "What would run" for one in ask("artifacts", {"limit": 50}))
    for deployment in ask("deployments", {"limit": 50}):
        if deployment["name"] in ("pipeline", "refresh", "sweep", "train"):
            form = deployment["parameter_openapi_schema"]["properties"]
            assert "root" not in form
            assert all(field.get("description") for name, field in form.items()), form


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_every_field_of_a_form_says_what_it_is(flow):
    from prefect.utilities.callables import parameter_schema

    form = parameter_schema(flow).properties
    assert form and all(field.get("description") for field in form.values()), form
    assert "root" not in form
    given = {"stage": "train@terrain", "name": "rate", "dataset": "terrain"}
    needed = {name: given[name] for name in flow.parameters.required}
    assert flow.validate_parameters(needed | {"root": str(ROOT)}), "calls can still name a checkout"


def test_a_server_of_another_project_is_not_used(server, monkeypatch, tmp_path):
    monkeypatch.setenv("PREFECT_HOME", server["PREFECT_HOME"])
    assert is_ours(server["PREFECT_API_URL"])
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    assert not is_ours(server["PREFECT_API_URL"])


def test_something_else_on_the_port_is_no_server(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as other:

        def greet() -> None:
            connection, _ = other.accept()
            with connection:
                connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        monkeypatch.setenv("PREFECT_HOME", "nowhere")
        assert not is_ours(f"http://127.0.0.1:{other.getsockname()[1]}/api")
        thread.join()


def test_without_a_server_the_profile_counts_and_else_a_flow_brings_its_own(tmp_path):
    def chosen(**more: str) -> str:
        env = clean(HOME=str(tmp_path), PREFECT_HOME=str(tmp_path / "home"), **more)
        return subprocess.run([sys.executable, "-c", CHOSEN], cwd=ROOT, env=env, capture_output=True, text=True).stdout

    assert chosen() == "its own\n"
    assert chosen(PREFECT_API_URL="http://10.0.0.9:4200/api") == "http://10.0.0.9:4200/api\n"
    profiles = tmp_path / "profiles.toml"
    profiles.write_text('active = "team"\n[profiles.team]\nPREFECT_API_URL = "http://team.example.org/api"\n')
    assert chosen(PREFECT_PROFILES_PATH=str(profiles)) == "http://team.example.org/api\n"


def test_waiting_for_a_server_ends_with_one_line(capsys):
    started = time.monotonic()
    with pytest.raises(LandloomError, match=r"does not answer: .*`make server` starts it"):
        wait("http://127.0.0.1:9/api", 2.5, 0.1)
    assert 2 < time.monotonic() - started < 20
    assert capsys.readouterr().out.count("waiting for the Prefect server") == 1
