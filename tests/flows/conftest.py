"""A real Prefect server on loopback for the tests of flows, and a small project whose parameters are the real ones."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tasks.settings import PARAMS, ROOT, stage_rooms


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Iterator[dict[str, str]]:
    """The environment of whoever talks to the server; it schedules every second instead of every minute."""
    folder = tmp_path_factory.mktemp("prefect")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/api"
    env = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PREFECT_HOME": str(folder),
        "PREFECT_API_URL": url,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "1",
        "PREFECT_LOGGING_TO_API_BATCH_INTERVAL": "0.3",
        "PREFECT_WORKER_QUERY_SECONDS": "1",
    }
    with (folder / "server.log").open("w") as log:
        command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
        process = subprocess.Popen(command, env=env, stdout=log, stderr=log, cwd=folder)
    try:
        deadline = time.monotonic() + 150
        while True:
            try:
                urllib.request.urlopen(f"{url}/health", timeout=5).close()
                break
            except OSError:
                assert process.poll() is None and time.monotonic() < deadline, (folder / "server.log").read_text()[
                    -3000:
                ]
                time.sleep(0.3)
        yield env
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
def prefect(server) -> Iterator[dict[str, str]]:
    """Flows of this process are recorded on the server."""
    from prefect.settings import PREFECT_API_URL, PREFECT_HOME, temporary_settings

    with temporary_settings({PREFECT_API_URL: server["PREFECT_API_URL"], PREFECT_HOME: server["PREFECT_HOME"]}):
        yield server


TRAIN = """
import json, os, sys, yaml
from pathlib import Path
values = yaml.safe_load(open("params.yaml"))["datasets"][sys.argv[1]]["train"]
if values["batch"] == 13:
    sys.exit("train@terrain: thirteen is refused")
place = Path("data", sys.argv[1])
for folder in ("metrics", "runs"):
    (place / folder).mkdir(parents=True, exist_ok=True)
(place / "metrics/train.json").write_text(json.dumps({"loss": values["lr"] * values["steps"]}))
(place / "runs/train.json").write_text(json.dumps({"run_id": None}))
print(os.environ.get("DVC_EXP_NAME"), os.environ.get("LANDLOOM_SWEEP"), os.environ.get("LANDLOOM_FLOW_RUN_ID"))
"""
DAG = {
    "stages": {
        "shard": {
            "foreach": "${datasets}",
            "do": {
                "cmd": "mkdir -p data/${key} && echo ${key} > data/${key}/shards",
                "params": ["datasets.${key}.shard"],
                "outs": ["data/${key}/shards"],
            },
        },
        "train": {
            "foreach": "${datasets}",
            "do": {
                "cmd": f"{sys.executable} train.py ${{key}}",
                "deps": ["data/${key}/shards", "train.py"],
                "params": ["datasets.${key}.train"],
                "outs": ["data/${key}/runs/train.json"],
                "metrics": ["data/${key}/metrics/train.json"],
            },
        },
    }
}


@pytest.fixture
def small(tmp_path) -> Path:
    """A repository with the real parameters, of which two stages make something in no time."""
    root = tmp_path / "small"
    root.mkdir()
    shutil.copy(ROOT / PARAMS, root)
    for room in stage_rooms():
        (root / "tasks" / room).mkdir(parents=True)
        (root / "tasks" / room / "params.py").touch()
    (root / "train.py").write_text(TRAIN)
    (root / "dvc.yaml").write_text(yaml.safe_dump(DAG, sort_keys=False))
    (root / ".gitignore").write_text("data\n.landloom/\nmlflow.db*\n")
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    for command in (
        ["git", "init", "-q", "-b", "main"],
        ["dvc", "init", "-q"],
        ["git", "add", "-A"],
        ["git", *identity, "commit", "-qm", "small"],
    ):
        subprocess.run(command, cwd=root, check=True)
    return root
