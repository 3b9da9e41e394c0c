"""A benchmark's part in a fresh process, and the end of every process that a benchmark started.

`python -m tests.benchmarks.fresh NAME ARGUMENT …` calls `child(ARGUMENT, …)` of `bench_NAME`.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import psutil

import tasks  # noqa: F401 - fixes the arithmetic, so it comes before whatever loads numpy
from tasks.core.settings import ROOT

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # a shell starts background jobs with SIGINT ignored


def child_output(name: str, *arguments: str, environment: dict[str, str] | None = None) -> str:
    """What `child(*arguments)` of `bench_<name>` prints in a process of its own.

    Raises:
        RuntimeError: it failed; the message ends with what it said.
    """
    command = [sys.executable, "-m", "tests.benchmarks.fresh", name, *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{name} {' '.join(arguments)}: {done.stderr.strip()[-2000:]}")
    return done.stdout


@contextmanager
def nothing_left() -> Iterator[None]:
    """End every process that was started inside, also when this one gets SIGTERM, SIGHUP or SIGINT.

    Linux hands processes whose parents died to this one, so that they are found too.
    """
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    before = {number: signal.signal(number, _leave(os.getpid())) for number in ENDS}
    try:
        yield
    finally:
        for number in before:
            signal.signal(number, signal.SIG_IGN)  # a second signal must not stop the clearing
        _end_children()
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave(owner: int):
    def handler(number: int, frame: FrameType | None) -> None:
        if os.getpid() == owner:
            raise SystemExit(128 + number)  # runs every `finally` on the way: servers stop, folders go
        os._exit(128 + number)  # a fork that inherited this handler

    return handler


def _end_children() -> None:
    for end in (psutil.Process.terminate, psutil.Process.kill):
        while children := psutil.Process().children(recursive=True):
            for process in children:
                try:
                    end(process)
                except psutil.NoSuchProcess:
                    continue
            _, alive = psutil.wait_procs(children, timeout=5)
            if alive:
                break


def main() -> None:
    """One part of one benchmark."""
    importlib.import_module(f"tests.benchmarks.bench_{sys.argv[1]}").child(*sys.argv[2:])


if __name__ == "__main__":
    main()
