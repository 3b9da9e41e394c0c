"""Files of tensors: their permissions, and that nothing of ours writes them another way."""

from __future__ import annotations

import os
import re
import stat

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from models.core.checkpoint import Checkpoints, Snapshot
from models.core.tensor_file import write_tensors
from tasks.core.settings import ROOT

WRITERS = re.compile(r"save_file|safetensors\.(?:torch|numpy)\.save|import .*\bsave\b")
ARRAYS = {"weight": np.arange(6, dtype=np.float32).reshape(2, 3), "steps": np.array([3], np.int64)}


@pytest.fixture(params=[0o022, 0o002, 0o027])
def umask(request):
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_the_umask_says_who_may_read_a_file(tmp_path, umask):
    tensors = {name: torch.from_numpy(array) for name, array in ARRAYS.items()}
    write_tensors(tmp_path / "arrays", ARRAYS)
    write_tensors(tmp_path / "tensors", tensors)
    folder = Checkpoints(tmp_path / "checkpoints").save(Snapshot({"networks": tensors}, [], {"step": 1}))
    for path in (tmp_path / "arrays", tmp_path / "tensors", *folder.iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask, path.name


def test_the_bytes_are_those_of_the_library(tmp_path):
    write_tensors(tmp_path / "ours", ARRAYS)
    save_file(ARRAYS, tmp_path / "theirs")
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()
    write_tensors(tmp_path / "none", {})
    assert load_file(tmp_path / "none") == {}


def test_nothing_else_writes_such_files():
    sources = [path for room in ("flows", "models", "tasks") for path in (ROOT / room).rglob("*.py")]
    writers = {str(path.relative_to(ROOT)) for path in sources if WRITERS.search(path.read_text())}
    assert writers == {"models/core/tensor_file.py"}
