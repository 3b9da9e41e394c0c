"""A driver, a Prefect server and machines that serve its work pool, all on this machine."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psutil
import yaml

from tests.pipeline.conftest import Clone
from tests.templates import give_prefect_database, keep_prefect_database
from tests.train.stand import dataset

STEPS = 120  # so many that training still runs when a busy machine delays the kill
SHARD = {  # the real stage needs minutes of work before it; only training is sent to another machine
    "foreach": "${datasets}",
    "do": {
        "cmd": "mkdir -p data/${key} && cp -r ../shards data/${key}/shards",
        "params": ["seed"],
        "outs": ["data/${key}/shards"],
    },
}
KEY = "planted-key-8c1f0e"
SECRETS = {"AWS_SECRET_ACCESS_KEY": KEY, "PLANTED_TOKEN": KEY}


class Site:
    """A driver, its git origin and DVC remote, a Prefect server; machines that serve the pool come and go."""

    def __init__(self, folder: Path):
        self.folder, self.machines = folder, []
        made = dataset(folder / "made")
        (made / "data" / "small" / "shards").rename(folder / "shards")
        self.driver = Clone(folder / "driver")
        root = self.driver.root
        stages = yaml.safe_load((root / "dvc.yaml").read_text())["stages"]
        (root / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"shard": SHARD, "train": stages["train"]}}))
        train = {"steps": STEPS, "batch": 4, "checkpoint_every": 4, "picture_every": 40, "log_every": 10}
        self.driver.change({"datasets.terrain.train": train})
        self.env = {**self.driver.env, **SECRETS, "PREFECT_HOME": str(folder / "prefect"), "OMP_NUM_THREADS": "1"}
        self.env |= {"PREFECT_LOGGING_TO_API_BATCH_INTERVAL": "0.3", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
        self.env |= {"PREFECT_WORKER_QUERY_SECONDS": "1", "DO_NOT_TRACK": "1"}
        self.call("dvc", "remote", "add", "-d", "store", str(folder / "store"))
        self.call("dvc", "repro", "--quiet", "shard@terrain")
        self.commit("toy")
        self.call("git", "clone", "--quiet", "--bare", ".", str(folder / "origin"))
        self.call("git", "remote", "add", "origin", str(folder / "origin"))

    def call(self, *command: str, folder: Path | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command, cwd=folder or self.driver.root, env=self.env, capture_output=True, text=True, timeout=300
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def commit(self, message: str) -> None:
        self.call("git", "add", "-A")
        self.call("git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", message)

    def push(self) -> None:
        self.call("git", "push", "-q", "origin", "HEAD:main")

    def server(self) -> None:
        """A real Prefect server on loopback."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.env["PREFECT_API_URL"] = f"http://127.0.0.1:{port}/api"
        home = Path(self.env["PREFECT_HOME"])
        home.mkdir(exist_ok=True)
        give_prefect_database(home)
        self.start("server", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port))
        deadline = time.monotonic() + 240
        while True:
            try:
                urllib.request.urlopen(f"{self.env['PREFECT_API_URL']}/health", timeout=5)
                return keep_prefect_database(home)
            except OSError:
                assert time.monotonic() < deadline, (self.folder / "server.log").read_text()[-3000:]
                time.sleep(0.3)

    def machine(self, name: str) -> subprocess.Popen[bytes]:
        """A machine of its own (clone, work folder, cache) that serves the pool `gpu`; the state folder is shared."""
        home = self.folder / name
        self.call("git", "clone", "-q", str(self.folder / "origin"), str(home / "landloom"))
        env = {"LANDLOOM_WORK": str(home / "work"), "LANDLOOM_STATE": str(self.folder / "state")}
        env |= {"LANDLOOM_PYTHON": sys.executable, "MLFLOW_TRACKING_URI": f"sqlite:///{self.folder / 'mlflow.db'}"}
        return self.start(name, sys.executable, "-m", "flows.remote", "gpu", folder=home / "landloom", env=env)

    def start(self, name: str, *command: str, folder: Path | None = None, env: dict[str, str] | None = None):
        with (self.folder / f"{name}.log").open("w") as log:
            process = subprocess.Popen(
                command, cwd=folder or self.folder, env={**self.env, **(env or {})}, stdout=log, stderr=log
            )
        self.machines.append(process)
        return process

    def dispatch(self, *arguments: str) -> tuple[str, ...]:
        return (sys.executable, "-m", "flows.dispatch", "train@terrain", "--wait-s", "1", *arguments)

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def checkpoint(self, least: int, driver: subprocess.Popen[bytes]) -> None:
        """Wait until training has saved a checkpoint of at least that step."""
        deadline = time.monotonic() + 240

        def newest() -> int:
            # os.walk, because folders appear and disappear meanwhile.
            folders = [name for _, names, _ in os.walk(self.folder / "state") for name in names]
            return max((int(name[5:]) for name in folders if re.fullmatch(r"step-\d+", name)), default=0)

        while newest() < least:
            assert driver.poll() is None, self.log("driver")
            assert time.monotonic() < deadline, self.log("driver")
            time.sleep(0.02)

    def hears(self, words: str, driver: subprocess.Popen[bytes]) -> None:
        """Wait until the driver's log has these words."""
        deadline = time.monotonic() + 240
        while words not in self.log("driver"):
            assert driver.poll() is None and time.monotonic() < deadline, self.log("driver")
            time.sleep(0.05)

    def close(self) -> None:
        for process in self.machines:
            if process.poll() is None:
                kill(psutil.Process(process.pid))
            process.wait()


def kill(process: psutil.Process) -> None:
    """SIGKILL a process and everything it started, like the loss of a machine."""
    for each in (process, *process.children(recursive=True)):
        each.suspend()
    for each in (process, *process.children(recursive=True)):
        each.send_signal(signal.SIGKILL)


def training(machine: subprocess.Popen[bytes]) -> psutil.Process:
    """The training process below a machine's worker."""
    below = psutil.Process(machine.pid).children(recursive=True)
    return next(each for each in below if each.cmdline()[1:4] == ["-m", "tasks.train", "terrain"])
