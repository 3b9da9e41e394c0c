"""A real Prefect server on loopback, and repositories for flows: what tests and benchmarks share."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from tasks.core.dag import stage_entry, stage_names
from tasks.core.settings import PARAMS, ROOT
from tests.templates import give_prefect_database, keep_prefect_database
from tests.together import stop


@contextmanager
def prefect_server(folder: Path) -> Iterator[dict[str, str]]:
    """Yield environment variables for clients; the server schedules every second instead of every minute."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/api"
    stores = ("MLFLOW_TRACKING", "MLFLOW_REGISTRY")  # left by an earlier test
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith(stores)},
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PREFECT_HOME": str(folder),
        "PREFECT_API_URL": url,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "1",
        "PREFECT_LOGGING_TO_API_BATCH_INTERVAL": "0.3",
        "PREFECT_WORKER_QUERY_SECONDS": "1",
    }
    give_prefect_database(folder)
    log = folder / "server.log"
    with log.open("w") as stream:
        command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
        process = subprocess.Popen(command, env=env, stdout=stream, stderr=stream, cwd=folder)
    try:
        deadline = time.monotonic() + 150
        while True:
            try:
                urllib.request.urlopen(f"{url}/health", timeout=5).close()
                break
            except OSError:
                assert process.poll() is None and time.monotonic() < deadline, log.read_text()[-3000:]
                time.sleep(0.3)
        keep_prefect_database(folder)
        yield env
    finally:
        stop(process)


def new_repository(root: Path, dag: str, params: str) -> Path:
    """A git and DVC repository with this `dvc.yaml` and `params.yaml`."""
    root.mkdir(exist_ok=True)
    (root / "dvc.yaml").write_text(dag)
    (root / "params.yaml").write_text(params)
    for command in (["git", "init", "-q"], ["dvc", "init", "-q"]):
        subprocess.run(command, cwd=root, check=True)
    return root


def everything_up_to_date(root: Path) -> dict[str, set[str]]:
    """The real `dvc.yaml` and `params.yaml` with small files where code and data would be, all of it up to date.

    Returns, for each stage instance, the instances it depends on, found by their paths alone.
    """
    new_repository(root, (ROOT / "dvc.yaml").read_text(), (ROOT / PARAMS).read_text())
    datasets = yaml.safe_load((ROOT / PARAMS).read_text())["datasets"]
    entries = [stage_entry(name, dataset, ROOT) for dataset in datasets for name in stage_names(ROOT)]
    paths = {path for entry in entries for path in (*entry.outs, *entry.deps)}
    for path in sorted(paths, reverse=True):  # `tasks/formats` after `tasks/formats/tables`, which makes it a folder
        if not (root / path).is_dir():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(path)
    subprocess.run(["dvc", "commit", "--quiet", "--force"], cwd=root, check=True)
    return {entry.key: {other.key for other in entries if set(other.outs) & set(entry.deps)} for entry in entries}
