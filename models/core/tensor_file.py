"""Safetensors files with the permissions that the umask gives every new file."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np


def write_tensors(path: Path, tensors: Mapping[str, Any]) -> None:
    """Write contiguous arrays of numpy, or tensors of torch, by their names.

    The library writes a temporary file that only its owner may read (mode 0600) and renames it, so another user could
    not read a model.
    """
    arrays = all(isinstance(value, np.ndarray) for value in tensors.values())
    import_module("safetensors.numpy" if arrays else "safetensors.torch").save_file(dict(tensors), path)
    probe = path.with_name(f".{path.name}.mode")  # the umask can be read from a new file alone
    probe.touch()
    path.chmod(probe.stat().st_mode)
    probe.unlink()
