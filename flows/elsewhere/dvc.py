"""DVC on the side that asks: which stages are out of date, and how outputs come back through the run cache."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from flows.elsewhere.attempt import WorkerLost
from flows.stages.repro import stand_aside
from flows.worker import scrub
from tasks.core.errors import LandloomError


def changed(root: Path, stages: set[str]) -> list[str]:
    """Which of `stages` DVC would run, or would have to restore, sorted."""
    if not stages:  # to DVC no target means every one
        return []
    return sorted(json.loads(dvc(root, "status", "--json", *sorted(stages))))


def restore(stage: str, root: Path) -> str:
    """Bring the outputs here through the run cache; this writes `dvc.lock`, and never runs the stage."""
    # DVC runs a stage by $SHELL. One that refuses turns "not in the run cache" into an error, and not into
    # hours of training on the wrong machine.
    command = ("--wait-for-lock", "repro", "--pull", "--single-item", stage)
    said = dvc(root, *command, check=False, SHELL="/bin/false")
    if "is cached - skipping run" in said:
        return "restored from cache"
    if "didn't change, skipping" in said:
        return "unchanged"
    dvc(root, "checkout", "--quiet", stage, check=False)
    raise WorkerLost(f"{stage}: the worker ended well, but its outputs are not in the DVC remote that is used here")


def dvc(root: Path, *arguments: str, check: bool = True, **env: str) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    command, env = [sys.executable, "-m", "dvc", *arguments], {**os.environ, "PATH": path, **env}
    while True:
        done = subprocess.run(command, cwd=root, env=env, capture_output=True, text=True)
        if done.returncode == 0 or not stand_aside(done.stdout + done.stderr):
            break
    if check and done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or [done.stderr.strip()]
        raise LandloomError(f"dvc {arguments[0]}: {scrub(lines[-1])}")
    return done.stdout
