"""Hashes of the inputs of a stage: DVC's hash of each dependency, and one hash over all inputs."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from tasks.core import yaml12
from tasks.core.dag import StageEntry
from tasks.core.hashing import dvc_md5


def input_hashes(entry: StageEntry, root: Path) -> dict[str, str]:
    """Return DVC's hash of each dependency of the stage, by path. Missing paths are left out."""
    return {dep: dvc_md5(root / dep) for dep in entry.deps if (root / dep).exists()}


def input_hash(entry: StageEntry, root: Path, inputs: dict[str, str] | None = None) -> str:
    """Return one hash over dependencies and parameter values: 32 hexadecimal digits.

    It stays the same exactly when DVC would not run the stage again.

    Args:
        inputs: the hashes of the dependencies if they are known already.
    """
    inputs = input_hashes(entry, root) if inputs is None else inputs
    params = yaml12.load((root / "params.yaml").read_text())
    values = {name: _lookup(params, name) for name in entry.params}
    text = json.dumps([entry.key, inputs, values], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _lookup(values: Any, dotted: str) -> Any:
    for part in dotted.split("."):
        values = values[part]
    return values
