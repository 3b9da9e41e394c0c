"""A Dask cluster of real processes on loopback, started by the commands of docs/cluster.md."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks.core.settings import ROOT
from tests.together import stop

_QUIET = ("--no-dashboard", "--host", "127.0.0.1")
PATIENCE = {
    "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1"
}  # an item is given up after two dead workers instead of four


class DaskCluster:
    """A scheduler, and workers as they are added. Logs lie in `folder`."""

    def __init__(self, folder: Path, scheduler: tuple[str, ...] = ("-m", "dask", "scheduler")):
        self.folder, self.processes = folder, []
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / "scheduler.json"
        self.scheduler = self._start("scheduler", [*scheduler, "--port", "0", "--scheduler-file", str(self._file)])
        deadline = time.monotonic() + 60
        while not (self._file.exists() and self._file.read_text().endswith("}")):
            assert self.scheduler.poll() is None and time.monotonic() < deadline, self.log("scheduler")
            time.sleep(0.05)
        self.address = json.loads(self._file.read_text())["address"]

    def add(self, workers: int = 1, *arguments: str, root: Path = ROOT, nanny: bool = True) -> subprocess.Popen:
        """Start workers of one thread each that run the code in `root`."""
        command = ["-m", "dask", "worker", self.address, "--nworkers", str(workers), "--nthreads", "1"]
        command += ["--local-directory", str(self.folder / "scratch"), "--nanny" if nanny else "--no-nanny", *arguments]
        return self._start(f"workers{len(self.processes)}", command, root)

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()[-3000:]

    def stop(self) -> None:
        """Stop workers before the scheduler. Nannies stop their workers."""
        for process in reversed(self.processes):
            stop(process)

    def _start(self, name: str, arguments: list[str], root: Path = ROOT) -> subprocess.Popen:
        env = {**os.environ, **PATIENCE, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
        with (self.folder / f"{name}.log").open("w") as log:
            process = subprocess.Popen([sys.executable, *arguments, *_QUIET], cwd=root, env=env, stdout=log, stderr=log)
        self.processes.append(process)
        return process


@contextmanager
def dask_cluster(folder: Path, workers: int = 0, **settings: tuple[str, ...]) -> Iterator[DaskCluster]:
    """Start a cluster, and stop it at the end, also after an error."""
    cluster = DaskCluster(folder, **settings)
    try:
        if workers:
            cluster.add(workers)
        yield cluster
    finally:
        cluster.stop()
