"""Real servers on loopback: one as a process, and a gate before it that fails on demand."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from tests.templates import give_mlflow_database


def free_port() -> int:
    """A port of loopback that nothing uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def process(command: list[str], health: str, log: Path, **how: Any) -> Iterator[subprocess.Popen]:
    """A server in its own process group, yielded when `health` answers; ends with everything that it started."""
    with log.open("w") as stream:
        server = subprocess.Popen(command, stdout=stream, stderr=stream, start_new_session=True, **how)
    try:
        wait_for(lambda: _answers(health), server, log)
        yield server
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                server.wait(3)
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)


def wait_for(ready: Callable[[], bool], server: subprocess.Popen, log: Path, seconds: float = 120) -> None:
    """Wait until `ready`; fail with the end of the log if the process ends or the time is over."""
    deadline = time.monotonic() + seconds
    while not ready():
        assert server.poll() is None and time.monotonic() < deadline, log.read_text()[-3000:]
        time.sleep(0.1)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


@contextmanager
def mlflow_server(folder: Path, store: str, artifacts: str, env: dict[str, str] | None = None) -> Iterator[str]:
    """An MLflow server with one worker over a database and a place for artifacts; yields its address."""
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--artifacts-destination", artifacts]
    url = f"http://127.0.0.1:{port}"
    env = {**os.environ, "MLFLOW_BACKEND_STORE_URI": store, **(env or {})}
    env["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"  # seven more processes
    env.pop("MLFLOW_TRACKING_URI", None)
    if store == f"sqlite:///{folder}/mlflow.db":
        give_mlflow_database(folder)
    with process(command, f"{url}/health", folder / f"mlflow-{port}.log", cwd=folder, env=env):
        yield url


class Gate(ThreadingHTTPServer):
    """Forwards requests to `upstream` while `rule(method, path)` returns None.

    The rule may return a status to answer with, or `hang`: read the request and stay silent until closed.
    """

    daemon_threads = True

    def __init__(self, upstream: str):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = upstream
        self.rule: Callable[[str, str], int | str | None] = lambda method, path: None
        self.closing = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self) -> Gate:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, *_: object) -> None:
        """Ignore errors: tests want clients that give up."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Gate

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        rule = self.server.rule(self.command, self.path)
        if rule == "hang":
            self.server.closing.wait(120)
            return
        if rule is not None:
            self.send_response(int(rule))
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
        answer = httpx.request(
            self.command, self.server.upstream + self.path, content=body, headers=headers, timeout=60
        )
        self.send_response(answer.status_code)
        for name, value in answer.headers.items():
            if name.lower() not in ("content-length", "content-encoding", "transfer-encoding", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _pass

    def log_message(self, *_: object) -> None:
        """Log nothing."""
