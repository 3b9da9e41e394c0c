"""What a run stood on: input hashes, commit, uncommitted changes, lock file, hardware."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tasks.dag import StageEntry
from tasks.hashing import dvc_md5, file_sha256

LOCK = "requirements.lock"


def input_hashes(entry: StageEntry, root: Path) -> dict[str, str]:
    """DVC's hash of every dependency of the stage, by path; a missing path is left out."""
    return {dep: dvc_md5(root / dep) for dep in entry.deps if (root / dep).exists()}


def input_hash(entry: StageEntry, root: Path) -> str:
    """One hash over dependencies and parameter values: equal exactly when DVC would not re-run."""
    params = yaml.safe_load((root / "params.yaml").read_text())
    values = {name: _lookup(params, name) for name in entry.params}
    text = json.dumps([entry.key, input_hashes(entry, root), values], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _lookup(values: Any, dotted: str) -> Any:
    for part in dotted.split("."):
        values = values[part]
    return values


def git_state(root: Path) -> tuple[str | None, str]:
    """(commit, patch): the patch is empty when every tracked file is as committed.

    DVC's lock is left out of the patch: DVC writes it after the stage, so it says nothing of the run.
    """
    commit = _git(root, "rev-parse", "HEAD")
    patch = _git(root, "diff", "--binary", "HEAD", "--", ".", ":(exclude)dvc.lock") if commit else ""
    return commit.strip() or None, patch


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode(errors="replace") if done.returncode == 0 else ""


def lock_hash(root: Path) -> str | None:
    """SHA-256 of the pinned environment, or None where there is no lock file."""
    path = root / LOCK
    return file_sha256(path) if path.exists() else None


def hardware() -> dict[str, str]:
    """Processor, cores, memory and GPUs. Torch is asked only where the process already loaded it."""
    import sys

    import psutil

    facts = {
        "machine": platform.machine(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "cores": str(os.cpu_count()),
        "memory_gib": f"{psutil.virtual_memory().total / 2**30:.1f}",
    }
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
        facts |= {"gpus": ", ".join(names), "cuda": str(torch.version.cuda)}
    return facts
