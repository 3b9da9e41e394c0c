"""TensorFlow reads the shards with the code lines of the data card.

Landloom's environment has no TensorFlow. To run this test, name a Python that has it:

    python3 -m venv tf && tf/bin/pip install tensorflow-cpu
    LANDLOOM_TF_PYTHON=tf/bin/python python -m pytest tests/shard/test_tensorflow.py
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tasks.formats.shards.shardset import ShardSet
from tests.shard.small import grow, shard

PYTHON = os.environ.get("LANDLOOM_TF_PYTHON")


@pytest.mark.skipif(not PYTHON, reason="LANDLOOM_TF_PYTHON names no Python that has TensorFlow")
@pytest.mark.parametrize(
    ("encoding", "grown"),
    [
        ("raw", {}),
        ("raw", {"layers": ("height", "color"), "classes": 3}),
        ("raw", {"layers": ("color",), "photographs": True, "captions": False}),
        ("png16", {"layers": ("height", "color"), "classes": 3}),
    ],
)
def test_tensorflow_reads_the_shards(tmp_path, encoding, grown):
    folder = shard(grow(tmp_path / "data" / "toy", **grown), encoding=encoding)
    script = Path(__file__).with_name("tensorflow_reads.py")
    subprocess.run(
        [PYTHON, script, folder, tmp_path / "read.npz"], check=True, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    )
    read = np.load(tmp_path / "read.npz")
    shards = ShardSet(folder)
    rows = shards.rows("train")
    assert read["keys"].tolist() == shards.index["key"][rows].tolist()
    for number, (name, array) in enumerate(shards.batch(rows).items()):
        found = read[f"arr_{number}"].reshape(array.shape)
        # A fused multiply-add may round a decoded height once, where our code rounds twice.
        assert np.allclose(found, array, rtol=0, atol=1e-4 if name == "height" and encoding == "png16" else 0)
