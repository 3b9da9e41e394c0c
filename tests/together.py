"""Processes of a test: several that do one thing at the same moment, and one that must end."""

from __future__ import annotations

import multiprocessing
import subprocess
from collections.abc import Callable, Sequence
from multiprocessing.synchronize import Barrier
from typing import Any

_COUNTDOWN_S = 300  # a busy machine needs long until all of them are ready


def run_together(target: Callable[..., None], arguments: Sequence[tuple[Any, ...]]) -> list[int | None]:
    """Call `target(*arguments[i])` in one process each, all at the same moment; returns their exit codes.

    They are forks of one process that has imported MLflow: six imports would take longer than the test itself.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["mlflow.tracking", "mlflow.store.tracking.sqlalchemy_store", target.__module__])
    together = context.Barrier(len(arguments))
    processes = [context.Process(target=_start, args=(together, target, given)) for given in arguments]
    for process in processes:
        process.start()
    for process in processes:
        process.join(_COUNTDOWN_S)
        process.kill()
        process.join()
    return [process.exitcode for process in processes]


def _start(together: Barrier, target: Callable[..., None], given: tuple[Any, ...]) -> None:
    together.wait(_COUNTDOWN_S)
    target(*given)


def stop(process: subprocess.Popen) -> None:
    """Send SIGTERM, which a worker turns into SIGINT; then SIGKILL, because background processes ignore SIGINT."""
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
