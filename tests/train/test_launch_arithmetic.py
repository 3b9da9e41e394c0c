"""The arithmetic of a training is chosen before numpy and torch are imported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.core import arithmetic

ROOT = Path(__file__).resolve().parents[2]
ASK = """
import sys
from pathlib import Path
from tasks.train.launch import choose_arithmetic
assert "numpy" not in sys.modules and "torch" not in sys.modules
sys.argv = ["train", "terrain"]
choose_arithmetic(Path(sys.stdin.read()))
import torch
from tasks.runs.provenance import hardware
print(hardware()["arithmetic"], torch.backends.cpu.get_cpu_capability())
"""


@pytest.mark.skipif(not arithmetic.supported(), reason="this processor has no x86-64-v3")
@pytest.mark.parametrize(("line", "name"), [("arithmetic: fast", "native"), ("arithmetic: fixed", "x86-64-v3"),
                                            ("steps: 3", "x86-64-v3"), ("[", "x86-64-v3")])  # fmt: skip
def test_the_parameter_decides_and_the_run_records_it(tmp_path, line, name):
    (tmp_path / "params.yaml").write_text(f"datasets:\n  terrain:\n    train:\n      {line}\n")
    done = subprocess.run(
        [sys.executable, "-c", ASK], cwd=ROOT, env=dict(os.environ), input=str(tmp_path), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    recorded, capability = done.stdout.split()
    assert recorded == name and (name == "native" or capability == "AVX2")
