"""DVC on the driver's side: which stages are out of date, and how outputs come back through the run cache."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from flows.elsewhere.attempt import WorkerLost
from flows.stages.repro import blocker, stand_aside
from flows.worker import scrub
from tasks.core.errors import LandloomError


def changed(root: Path, stages: set[str]) -> list[str]:
    """Those of `stages` that DVC would run or restore, sorted."""
    if not stages:  # for DVC, no target means every stage
        return []
    return sorted(json.loads(dvc(root, "status", "--json", *sorted(stages))))


def restore(stage: str, root: Path) -> str:
    """Restore the outputs from the run cache; this writes `dvc.lock`, and never runs the stage."""
    # DVC runs a stage by $SHELL. A shell that always fails makes a missing run cache entry an error; without it,
    # DVC would train on this machine.
    command = ("--wait-for-lock", "repro", "--pull", "--single-item", stage)
    said = dvc(root, *command, check=False, SHELL="/bin/false")
    if "is cached - skipping run" in said:
        return "restored from cache"
    if "didn't change, skipping" in said:
        return "unchanged"
    dvc(root, "checkout", "--quiet", stage, check=False)
    raise WorkerLost(f"{stage}: the worker succeeded, but its outputs are not in the DVC remote of this checkout")


def dvc(root: Path, *arguments: str, check: bool = True, **env: str) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    command, env = [sys.executable, "-m", "dvc", *arguments], {**os.environ, "PATH": path, **env}
    waits_for = None
    while True:
        done = subprocess.run(command, cwd=root, env=env, capture_output=True, text=True)
        other = None if done.returncode == 0 else blocker(done.stdout + done.stderr, root)
        if other is None:
            break
        if other != waits_for:
            print(f"dvc {arguments[0]}: waits for {other}", flush=True)
        waits_for = other
        stand_aside()
    if check and done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or [done.stderr.strip()]
        raise LandloomError(f"dvc {arguments[0]}: {scrub(lines[-1])}")
    return done.stdout
