"""The same bytes under other processors: the toy pipeline natively, on one core, and under qemu's models of processors.

Needs `qemu-x86_64` (Debian's qemu-user), or the variable QEMU with its path. It must be of version 10 or later: 7.2
computes AVX2 gathers wrongly, so that numpy's argsort fails. An emulated stage takes 10 to 30 times as long.
LANDLOOM_PROCESSORS names other models than those below, separated by commas.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tasks.core.arithmetic import PREFIXES, supported
from tasks.core.hashing import file_sha256

ROOMS = ("acquire", "project", "select", "label", "caption", "shard", "train", "evaluate", "generate")
PROCESSORS = ("Haswell", "EPYC", "max")  # Intel and AMD with AVX2, and all that qemu knows (no AVX-512)
ODD = {"OPENBLAS_CORETYPE": "Prescott", "OPENBLAS_NUM_THREADS": "3", "OMP_NUM_THREADS": "5", "MKL_NUM_THREADS": "3"}


def run() -> list[tuple[str, str, str]]:
    """Rows of the table: for each way to run, how many files of the toy pipeline have the native bytes."""
    if not supported():
        return [("portability", "this processor has no x86-64-v3", "")]
    qemu = os.environ.get("QEMU") or shutil.which("qemu-x86_64")
    names = os.environ.get("LANDLOOM_PROCESSORS", ",".join(PROCESSORS)).split(",")
    ways: dict[str, tuple[list[str], dict[str, str]]] = {
        "one core": (["taskset", "-c", str(min(os.sched_getaffinity(0)))], {}),
        "odd variables in the shell": ([], ODD),
    }
    rows = []
    if qemu:
        ways |= {f"qemu -cpu {name}": ([qemu, "-cpu", name], {}) for name in names if name}
    else:
        rows.append(("emulated processors", "not run: there is no qemu-x86_64 (Debian: qemu-user)", "all"))
    with tempfile.TemporaryDirectory() as folder:
        native = _made(Path(folder) / "native", [], {})
        for what, (prefix, shell) in ways.items():
            made = _made(Path(folder) / what.replace(" ", "_"), prefix, shell)
            other = sorted(name for name in native.keys() | made.keys() if native.get(name) != made.get(name))
            same = f"{len(native) - len(other)} of {len(native)} files"
            rows.append((f"same bytes: {what}", same + (f"; first other: {other[0]}" if other else ""), "all"))
    return rows


def _made(folder: Path, prefix: list[str], shell: dict[str, str]) -> dict[str, str]:
    """SHA-256 of every output file of the toy pipeline, by path; the files that describe runs are left out."""
    from tests.pipeline.conftest import Clone

    clone = Clone(folder)
    environment = {name: value for name, value in clone.env.items() if not name.startswith(PREFIXES)}
    for room in ROOMS:  # without dvc: an emulated dvc would start native stages
        command = [*prefix, sys.executable, "-m", f"tasks.{room}", "terrain"]
        done = subprocess.run(command, cwd=folder, env={**environment, **shell}, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        print(f"{folder.name}: {room} done", flush=True)
    data = folder / "data" / "terrain"
    files = [path for path in sorted(data.rglob("*")) if path.is_file() and path.parent.name != "runs"]
    return {path.relative_to(data).as_posix(): file_sha256(path) for path in files}
