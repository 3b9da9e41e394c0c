"""DVC, imported once: every command of a flow runs in a fork of one process that has it loaded.

A `dvc` command takes one second, half of it for imports. A flow starts one helper process (this module as a script).
For each command the helper forks, and the fork becomes that command, in its own process group, with the given folder,
environment and pipes. The helper ends when the flow ends.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

_LENGTH = struct.Struct("!I")
_USED = (
    "configobj",
    "dulwich.worktree",
    "dvc.cachemgr",
    "dvc.commands.repro",
    "dvc.data_cloud",
    "dvc.repo.artifacts",
    "dvc.repo.datasets",
    "dvc.repo.metrics",
    "dvc.repo.plots",
    "dvc.repo.stage",
    "dvc.rwlock",
    "dvc.scm",
    "dvc.stage.cache",
    "dvc.utils.strictyaml",
    "dvc_data.hashfile.db.local",
    "dvc_data.hashfile.status",
    "fsspec.implementations.memory",
    "networkx",
    "ruamel.yaml",
    "scmrepo.git",
    "zc.lockfile",
)


class Command:
    """A running `dvc` command: its lines as they come, then its exit status."""

    def __init__(self, output: int, news: int):
        self._output = os.fdopen(output, errors="replace")
        self._news = os.fdopen(news)
        pid = self._news.readline().strip()  # it writes this after it made its process group
        self.pid = int(pid) if pid else None

    def lines(self) -> Iterator[str]:
        """The output of the command and its stage, line by line, until both have ended."""
        with self._output:
            yield from self._output

    def wait(self) -> int:
        """Its exit status; −1 if it was killed."""
        with self._news:
            return int(self._news.readline().strip() or -1)

    def stop(self) -> None:
        """Send SIGTERM to it and to everything it started."""
        if self.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGTERM)


class Warm:
    """The helper of one flow, started by the first command. Several threads may use it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._helper: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None

    def dvc(self, arguments: list[str], folder: Path, env: Mapping[str, str]) -> Command:
        """Start `dvc` with these arguments; its standard output and errors are one stream."""
        output, output_there = os.pipe()
        news, news_there = os.pipe()
        order = json.dumps({"arguments": arguments, "folder": str(folder), "env": dict(env)}).encode()
        with self._lock:
            if self._socket is None:
                self._start()
            socket.send_fds(self._socket, [_LENGTH.pack(len(order))], [output_there, news_there])
            self._socket.sendall(order)
        os.close(output_there)
        os.close(news_there)
        return Command(output, news)

    def close(self) -> None:
        """End the helper; running commands continue."""
        with self._lock:
            if self._socket is not None:
                self._socket.close()
                self._helper.wait()
                self._socket = None

    def _start(self) -> None:
        self._socket, there = socket.socketpair()
        self._helper = subprocess.Popen(
            [sys.executable, str(Path(__file__).resolve()), str(there.fileno())],
            pass_fds=[there.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # the flow alone handles Ctrl-C
        )
        there.close()


def serve(orders: socket.socket) -> None:
    """The helper: fork for every order until the flow closes its end of the socket."""
    sys.path.pop(0)  # a script's folder comes first in the path, but its modules are not meant to be imported like this
    load()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # so that the kernel removes ended forks
    while True:
        head, fds, _, _ = socket.recv_fds(orders, _LENGTH.size, 2)
        if not head:
            return
        order = json.loads(_read(orders, _LENGTH.unpack(head)[0]))
        if os.fork() == 0:
            orders.close()
            _become(order["arguments"], order["folder"], order["env"], *fds)
        for fd in fds:
            os.close(fd)


def load() -> None:
    """Import the modules that `dvc repro` uses, many of them late, so that no fork has to."""
    for name in _USED:
        importlib.import_module(name)
    from dvc.cli.parser import get_main_parser

    get_main_parser()  # this imports the module of every command


def _become(arguments: list[str], folder: str, env: dict[str, str], output: int, news: int) -> None:
    """Turn this fork into one `dvc` command; never returns."""
    status = 255
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # else DVC could not read the stage's exit status
        os.setsid()
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.set_inheritable(news, False)
        os.write(news, f"{os.getpid()}\n".encode())
        os.close(output)
        os.environ.clear()
        os.environ.update(env)
        os.chdir(folder)
        sys.argv = ["dvc", *arguments]  # the name that DVC's locks record
        from dvc.cli import main

        status = main(arguments)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os.write(news, f"{status}\n".encode())
        os._exit(status)


def _read(orders: socket.socket, length: int) -> bytes:
    parts = []
    while length:
        parts.append(orders.recv(length))
        length -= len(parts[-1])
    return b"".join(parts)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
