"""Checkpoints: everything that a run needs to continue. A kill during the write keeps the previous checkpoint.

A checkpoint is a folder `step-00000300`. It has tensors by group in safetensors files, optimisers in a file that
`torch.load(weights_only=True)` reads (no pickle code runs), and `state.json` with everything else and the SHA-256 of
the other files.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from models.core.tensor_file import write_tensors

KEEP = 2


@dataclass(frozen=True)
class Snapshot:
    """A checkpoint in memory, on the CPU.

    Attributes:
        tensors: group (`networks`, `ema`) to name to tensor.
        optimizers: their state dicts, in the order of the phases.
        state: JSON values: step, loader position, logs and the like.
    """

    tensors: dict[str, dict[str, Tensor]]
    optimizers: list[dict[str, Any]]
    state: dict[str, Any]


class Checkpoints:
    """The checkpoints of one run, in a separate folder; the newest two are kept."""

    def __init__(self, folder: Path):
        self.folder = folder

    def save(self, snapshot: Snapshot) -> Path:
        """Write a checkpoint under a temporary name, flush it to disk, rename it, and delete the oldest."""
        target = self.folder / f"step-{snapshot.state['step']:08d}"
        part = self.folder / f".{target.name}.part"
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        for group, tensors in snapshot.tensors.items():
            write_tensors(part / f"{group}.safetensors", {name: value.contiguous() for name, value in tensors.items()})
        torch.save(snapshot.optimizers, part / "optimizers.pt")
        hashes = {path.name: _sha256(path) for path in sorted(part.iterdir())}
        (part / "state.json").write_text(json.dumps({"files": hashes, "state": snapshot.state}))
        for path in (*part.iterdir(), part):
            _flush(path)
        shutil.rmtree(target, ignore_errors=True)
        part.rename(target)
        _flush(self.folder)
        for old in self._found()[KEEP:]:
            shutil.rmtree(old, ignore_errors=True)
        return target

    def latest(self) -> Snapshot | None:
        """The newest undamaged checkpoint, or None; a warning names each damaged one."""
        for folder in self._found():
            try:
                return _read(folder)
            except Exception as error:  # noqa: BLE001 - a damaged file may raise any exception
                warnings.warn(f"{folder}: damaged ({error}); the previous checkpoint is used", stacklevel=2)
        return None

    def remove(self) -> None:
        """Delete them all."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _found(self) -> list[Path]:
        return sorted(self.folder.glob("step-*"), reverse=True)


def _read(folder: Path) -> Snapshot:
    record = json.loads((folder / "state.json").read_text())
    for name, digest in record["files"].items():
        if _sha256(folder / name) != digest:
            raise ValueError(f"{name} has changed since it was written")
    tensors = {path.stem: load_file(path) for path in sorted(folder.glob("*.safetensors"))}
    optimizers = torch.load(folder / "optimizers.pt", map_location="cpu", weights_only=True)
    return Snapshot(tensors, optimizers, record["state"])


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
