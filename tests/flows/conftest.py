"""A real Prefect server on loopback for the tests of flows, and a small project whose parameters are the real ones."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tasks.core.settings import PARAMS, ROOT, stage_rooms
from tests.flows.stand import prefect_server


@pytest.fixture(scope="package")  # an idle server takes a tenth of a core, so it ends with the last test of flows
def server(tmp_path_factory) -> Iterator[dict[str, str]]:
    """Environment variables for clients of the server."""
    with prefect_server(tmp_path_factory.mktemp("prefect")) as env:
        yield env


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
    """A repository with the real parameters and two stages that take no time."""
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
