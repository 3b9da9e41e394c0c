"""Each process computes with the code of x86-64-v3, for all settings of the shell, or warns that it cannot."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.core import arithmetic

ROOT = Path(__file__).resolve().parents[2]
ODD = {
    "OPENBLAS_CORETYPE": "Prescott", "OPENBLAS_NUM_THREADS": "7", "OPENBLAS_VERBOSE": "0", "OMP_NUM_THREADS": "5",
    "OMP_THREAD_LIMIT": "1", "MKL_NUM_THREADS": "3", "MKL_CBWR": "AVX512", "GOTO_NUM_THREADS": "3",
    "NPY_ENABLE_CPU_FEATURES": "X86_V3", "NUMBA_CPU_NAME": "generic", "ATEN_CPU_CAPABILITY": "default",
}  # fmt: skip
WHAT = """
import sys
{first}
import tasks.core.arithmetic as arithmetic
import hashlib, numpy as np, torch
from models.core import method
from threadpoolctl import threadpool_info
x = np.random.default_rng(1).standard_normal((300, 311)) + 0.5
t = torch.from_numpy(x.astype(np.float32))
parts = [np.exp(x), np.log(np.abs(x)), x @ x.T, np.linalg.eigvalsh(x @ x.T), (t @ t.T).numpy(), t.abs().sqrt().numpy(),
         torch.nn.functional.conv2d(t[None, None], t[None, None, :5, :5]).numpy(), t.exp().sum().numpy()]
print(arithmetic.NAME, hashlib.md5(b"".join(np.ascontiguousarray(part).tobytes() for part in parts)).hexdigest())
"""
portable = pytest.mark.skipif(not arithmetic.supported(), reason="this processor has no x86-64-v3")


def computed(first: str = "", prefix: tuple[str, ...] = (), **shell: str) -> tuple[list[str], str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(arithmetic.PREFIXES)}
    done = subprocess.run(
        [*prefix, sys.executable, "-c", WHAT.format(first=first)],
        cwd=ROOT, env={**environment, **shell}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.split(), done.stderr


@portable
def test_the_shell_and_the_number_of_cores_change_no_bit():
    (name, digest), _ = computed()
    assert name == "x86-64-v3"
    assert computed(**ODD)[0] == [name, digest]
    assert computed(prefix=("taskset", "-c", str(min(os.sched_getaffinity(0)))))[0] == [name, digest]


@portable
def test_a_library_that_was_loaded_before_causes_a_warning():
    (name, _), said = computed(first="import numpy")
    assert name == "native" and "numpy was imported before `tasks`" in said
    (name, _), said = computed(first="import numpy", **arithmetic.CODE, **arithmetic.THREADS)
    assert name == "x86-64-v3" and "imported before" not in said
    threads = {**arithmetic.THREADS, "OPENBLAS_NUM_THREADS": "7"}
    (name, _), said = computed(first="import numpy", **arithmetic.CODE, **threads)
    assert name == "native" and "imported before" in said, "sums are split by the number of threads"


@portable
def test_this_process_is_portable():
    assert arithmetic.NAME == "x86-64-v3"


def test_every_variable_of_the_families_is_overwritten_or_removed():
    environment = {**ODD, "HOME": "/home/somebody"}
    assert arithmetic.fix(environment)
    assert environment == {**arithmetic.CODE, **arithmetic.THREADS, "HOME": "/home/somebody"}
    assert not arithmetic.fix(environment)


def test_other_processors_are_recognised_by_their_flags(tmp_path, monkeypatch):
    monkeypatch.setattr(arithmetic.platform, "machine", lambda: "x86_64")
    path = tmp_path / "cpuinfo"
    path.write_text("processor : 0\nflags\t\t: sse4_2 avx popcnt\n")
    assert not arithmetic.supported(str(path))
    path.write_text(f"processor : 0\nflags\t\t: sse4_2 {' '.join(arithmetic.V3)} avx512f\n")
    assert arithmetic.supported(str(path)) and not arithmetic.supported(str(tmp_path / "none"))
    monkeypatch.setattr(arithmetic.platform, "machine", lambda: "aarch64")
    assert not arithmetic.supported(str(path))
