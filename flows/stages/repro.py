"""One stage as a Prefect task: DVC decides whether it runs, and every line it prints goes to the flow's log."""

from __future__ import annotations

import os
import random
import re
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prefect import Task, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run

from flows.stages.artifacts import publish
from flows.stages.warm import Command, Warm
from tasks.core.errors import LandloomError
from tasks.core.settings import read, room_params, rooms, stage_rooms, validate
from tasks.runs.host import LIMIT
from tasks.runs.secrets import redact

RAN, RESTORED, UNCHANGED = "ran", "restored from cache", "unchanged"
_TOLD = (  # part of DVC's output → outcome
    ("Running stage", RAN),
    ("is cached - skipping run", RESTORED),
    ("didn't change, skipping", UNCHANGED),
)
_BLOCKED = re.compile(r"'([^']+)' is busy, it is being blocked by:\s*\(PID (\d+)\): (.*)")
_LOCKED = "Unable to acquire lock"
_OF_BUSY = re.compile(rf"is busy, it is being blocked by|^\(PID \d+\):|^If there are no processes with such|{_LOCKED}")

DELAYS_S = [10, 60, 300]
"""Seconds before each new attempt of a stage: for a short failure, a restart, an outage."""


class StageFailed(RuntimeError):
    """A stage's command ended with an error; the message is the stage's own."""


class Children:
    """The `dvc` commands of one flow, so that a cancelled flow can stop them."""

    def __init__(self) -> None:
        self._alive: set[Command] = set()
        self._lock = threading.Lock()
        self._warm = Warm()
        self.stopped = False

    def start(self, arguments: list[str], root: Path, env: dict[str, str]) -> Command:
        """Start `dvc` with these arguments."""
        with self._lock:
            if self.stopped:
                raise StageFailed("the flow was stopped")
            command = self._warm.dvc(arguments, root, env)
            self._alive.add(command)
            return command

    def ended(self, command: Command) -> None:
        with self._lock:
            self._alive.discard(command)

    def stop(self) -> None:
        """End all commands (training saves a checkpoint first) and start no more."""
        with self._lock:
            self.stopped = True
            for command in self._alive:
                command.stop()

    def __enter__(self) -> Children:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:  # cancelled, or Ctrl-C: no process of this flow may continue
            self.stop()
        self._warm.close()


@task(task_run_name="{stage}", cache_policy=NO_CACHE, persist_result=False)
def repro(stage: str, root: str, needs: list[str], settled: bool, force: bool, children: Children) -> str:
    """Bring one stage up to date; returns `ran`, `restored from cache` or `unchanged`.

    `needs` are the outcomes of the stages it depends on. If none of them wrote anything, `settled` (DVC's answer when
    the flow began) is still valid, and no `dvc` process has to start.
    """
    log = get_run_logger()
    if settled and not force and set(needs) <= {UNCHANGED}:
        return UNCHANGED
    if reason := mistake(stage, Path(root)):
        raise StageFailed(f"{stage}: {reason}")
    started, waits_for = time.monotonic(), None
    while True:
        arguments = ["repro", "--single-item", *["--force"] * force, stage]
        status, lines = run_dvc(arguments, Path(root), children, log, **{"LANDLOOM_REFRESH": "1"} if force else {})
        other = None if status == 0 else blocker("\n".join(lines), Path(root))
        if other is None:
            break
        if other != waits_for:
            log.info("%s: waits for %s", stage, other)
        waits_for = other
        stand_aside()
    if status != 0:
        # DVC's last line only names the stage; the line before it has the stage's own message.
        told = [line for line in lines if line.startswith(stage.split("@")[0])] or lines[-1:] or ["no output"]
        raise StageFailed(told[-1] if told[-1].startswith(stage) else f"{stage}: {told[-1]}")
    outcome = next((meaning for words, meaning in _TOLD if any(words in line for line in lines)), UNCHANGED)
    if outcome != UNCHANGED:
        publish(stage, Path(root), outcome, time.monotonic() - started, log)
    return outcome


def mistake(stage: str, root: Path) -> str | None:
    """What is wrong with the parameters of the stage's dataset, or None.

    DVC looks for the folder of a source or method before it starts the stage, which would say it better.
    """
    room, _, dataset = stage.partition("@")
    if room not in stage_rooms(root):  # a stage of somebody's own, whose parameters nothing here describes
        return None
    try:
        datasets = (read(root) or {}).get("datasets")
        if isinstance(datasets, dict) and dataset in datasets:
            rooms(datasets, dataset, root)
    except LandloomError as error:
        return str(error)
    return None


def blocker(said: str, root: Path) -> str | None:
    """The process that DVC names in its output because it uses the stage's files, in words; None if it names none.

    DVC waits for its own lock, but not for a stage that another process runs. That process may even do this work.
    """
    if found := _BLOCKED.search(said):
        path = Path(found[1])
        name = path.relative_to(root.resolve()) if path.is_relative_to(root.resolve()) else path
        command = " ".join(word.rpartition("/")[2] for word in found[3].split()[:4])
        return f"process {found[2]} ({command}), which uses {name}"
    return "another command of DVC in this checkout" if _LOCKED in said else None


def stand_aside() -> None:
    """Wait a few seconds; two processes that wait for each other wait for different times."""
    time.sleep(random.uniform(2, 6))


def run_dvc(arguments: list[str], root: Path, children: Children, log: Any, **env: str) -> tuple[int, list[str]]:
    """Run `dvc`, logging each line at once; returns (exit status, lines)."""
    command = children.start(
        ["--wait-for-lock", *arguments],
        root,
        {
            LIMIT: str(os.cpu_count() or 1),
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
            "LANDLOOM_FLOW_RUN_ID": str(flow_run.id or ""),
            **env,
        },
    )
    lines = []
    try:
        for line in command.lines():
            if line.strip():
                lines.append(redact(line.strip()))
                if not _OF_BUSY.search(lines[-1]):  # `repro` says in one line what these say in four, each time anew
                    log.info(lines[-1])
        return command.wait(), lines
    finally:
        children.ended(command)


def patient(stage: str, params: Mapping[str, Any], children: Children) -> Task[..., str]:
    """The task for this stage: with retries if it may use a network, else without."""
    named = repro.with_options(name=stage)  # so that a task that never starts has a name too
    if not touches_network(stage, params):
        return named
    return named.with_options(
        retries=len(DELAYS_S),
        retry_delay_seconds=DELAYS_S,
        retry_jitter_factor=0.5,
        # A wrong parameter stays wrong.
        retry_condition_fn=lambda task, run, state: not children.stopped and "params.yaml: " not in str(state.message),
    )


def touches_network(stage: str, params: Mapping[str, Any]) -> bool:
    """Whether the stage asks other machines: a source or a method that it chose says so by `remote = True`."""
    room, _, dataset = stage.partition("@")
    section = ((params.get("datasets") or {}).get(dataset) or {}).get(room)
    try:
        found = validate(room_params(room), section, room)
    except (LandloomError, ModuleNotFoundError):
        return False  # the stage itself says what is wrong, and a second try cannot help
    return any(getattr(value, "remote", False) for _, value in found)
