"""A set of services as processes of this machine: their state file, and how one starts."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tasks.core.errors import LandloomError

HOST = "127.0.0.1"
LAST_LINES = 4  # of a log: the last alone often says only that the service ended
START_S = 180  # the first start makes the tables of both servers


@dataclass
class Services:
    """The state of one set of services, stored as `state.json` in their folder, readable by its owner alone."""

    folder: Path
    s3: str | None = None  # address of an S3 server that this module does not start
    passwords: dict[str, str] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    processes: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Services:
        path = folder / "state.json"
        return cls(folder, **json.loads(path.read_text())) if path.exists() else cls(folder)

    def write(self) -> None:
        facts = {name: getattr(self, name) for name in ("s3", "passwords", "ports", "processes")}
        write_private(self.folder / "state.json", json.dumps(facts, indent=2))

    def running(self, name: str) -> psutil.Process | None:
        """The service's process, or None, also where another process has its id by now."""
        known = self.processes.get(name)
        try:
            process = psutil.Process(known["pid"]) if known else None
            alive = process and process.create_time() == known["since"] and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return None
        return process if alive else None

    def database(self, name: str, driver: str) -> str:
        return f"{driver}://{name}:{self.passwords[name]}@{HOST}:{self.ports['postgres']}/{name}"

    def client_environment(self) -> dict[str, str]:
        """Environment variables for clients: addresses and keys."""
        known = {
            "MLFLOW_TRACKING_URI": f"http://{HOST}:{self.ports['mlflow']}",
            "PREFECT_API_URL": f"http://{HOST}:{self.ports['prefect']}/api",
        }
        return known | self.storage_environment()

    def storage_environment(self) -> dict[str, str]:
        """Address and keys of the S3 storage; empty where a folder is used instead."""
        if self.s3 is None:
            return {}
        keys = {name: os.environ.get(name, "") for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
        if "s3" in self.processes:
            keys = dict(zip(keys, ("landloom", self.passwords["s3"]), strict=True))
        return {**keys, "AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": self.s3}


def launch(
    services: Services,
    name: str,
    command: list[str],
    log: Path,
    ready: Callable[[], bool],
    env: dict[str, str] | None = None,
    cwd: str | None = None,
    **who: Any,
) -> Callable[[], None]:
    """Start a process that outlives this one, unless it runs; returns a function that waits until it is ready."""
    if services.running(name) is not None:
        return lambda: None
    stale = ("MLFLOW_", "PREFECT_")  # settings of clients must not reach the servers
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(stale)}
    with log.open("a") as stream:
        process = subprocess.Popen(
            command,
            env={**inherited, "DO_NOT_TRACK": "1", "MLFLOW_DISABLE_TELEMETRY": "true", **(env or {})},
            cwd=cwd or services.folder,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
            **who,
        )
    services.processes[name] = {"pid": process.pid, "since": psutil.Process(process.pid).create_time()}
    services.write()
    deadline = time.monotonic() + START_S

    def wait() -> None:
        while not ready():
            if process.poll() is not None or time.monotonic() > deadline:
                said = log.read_text(errors="replace").strip().splitlines()[-LAST_LINES:]
                raise LandloomError(f"{name} did not start: {' | '.join(said) or 'it said nothing'} ({log})")
            time.sleep(0.2)

    return wait


def free_port(wanted: int) -> int:
    """`wanted`, or a free port if something listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port just left is free
        try:
            probe.bind((HOST, wanted))
            return wanted
        except OSError:
            probe.bind((HOST, 0))
            return probe.getsockname()[1]


def write_private(path: Path, text: str) -> None:
    """A file that has mode 0600 before anything is written."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(text)
    part.replace(path)
