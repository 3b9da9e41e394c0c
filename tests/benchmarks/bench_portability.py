"""The same bytes under other processors: two toy pipelines natively, on one core, and under qemu's models of them.

`terrain` trains `consistency` on heights. `atlas` finds classes by clusters and trains `terrain_gan`. Stages run one by
one without DVC and MLflow, so that emulation pays for their own work. Register and report are left out: they write ids
of runs. One process runs several stages where none of them sets torch's threads, since emulated imports take minutes.

Needs `qemu-x86_64` (Debian's qemu-user), or the variable QEMU with its path. It must be of version 10 or later: 7.2
computes AVX2 gathers wrongly, so that numpy's argsort fails. An emulated stage takes 10 to 30 times as long.
LANDLOOM_PROCESSORS names other models than those below, LANDLOOM_DATASETS other datasets, separated by commas;
an empty list of processors emulates none.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from tasks.core.arithmetic import PREFIXES, supported
from tests.benchmarks.toy_datasets import DATASETS
from tests.pipeline.conftest import Clone

PROCESSES = ("acquire project select label caption shard", "train", "evaluate generate")
PROCESSORS = ("Haswell", "EPYC")  # Intel and AMD, both with AVX2 and without AVX-512
ODD = {
    "OPENBLAS_CORETYPE": "Prescott", "OPENBLAS_NUM_THREADS": "3", "OPENBLAS_VERBOSE": "0", "GOTO_NUM_THREADS": "3",
    "OMP_NUM_THREADS": "5", "OMP_THREAD_LIMIT": "1", "OMP_SCHEDULE": "dynamic", "OMP_DYNAMIC": "TRUE",
    "MKL_NUM_THREADS": "3", "MKL_CBWR": "AVX512", "MKL_DYNAMIC": "TRUE", "MKL_ENABLE_INSTRUCTIONS": "AVX512",
}  # fmt: skip
STAGES = """
import json, sys
from importlib import import_module
from pathlib import Path
import tasks
from tasks.core.dag import stage_entry
from tasks.core.hashing import file_sha256
from tasks.core.run import Run
from tasks.core.settings import check, read, room_params, validate
from tasks.core.stage import Stage
dataset, root = sys.argv[1], Path.cwd()
data, settings = root / "data" / dataset, check(read(root), root, dataset)
for room in sys.argv[2:]:
    params = validate(room_params(room), settings.datasets[dataset][room], room)
    stage = Stage(stage_entry(room, dataset, root), params, settings.seed, settings.compute, Run(), root)
    import_module(f"tasks.{room}.run").run(stage)
    stage.finish()
    files = {path.relative_to(data).as_posix(): file_sha256(path) for path in sorted(data.rglob("*")) if path.is_file()}
    print("made", json.dumps([room, files]), flush=True)
"""
"""Does what `tasks.runs.execute.run_stage` does but record the run; prints SHA-256 of all files after each stage."""

TOY = {"PROCESSES": ("acquire",), "PROCESSORS": (), "DATASETS": {"terrain": DATASETS["terrain"]}}

Way = tuple[list[str], dict[str, str]]
Made = dict[str, str]


def run() -> list[tuple[str, str, str]]:
    """Rows of the table: for each way to run, how many files of each toy pipeline have the native bytes."""
    if not supported():
        return [("portability", "this processor has no x86-64-v3", "")]
    rows = [] if _qemu() else [("emulated processors", "not run: there is no qemu-x86_64 (Debian: qemu-user)", "all")]
    datasets = _named("LANDLOOM_DATASETS", tuple(DATASETS))
    with tempfile.TemporaryDirectory() as folder:
        native = {name: _whole(Path(folder) / "native", name, [], {}) for name in datasets}
        for what, (prefix, shell) in _ways().items():
            for dataset in datasets:
                said = _compared(Path(folder) / what.replace(" ", "_"), dataset, prefix, shell, native[dataset])
                rows.append((f"same bytes: {dataset}, {what}", said, "all"))
                print(f"| {' | '.join(rows[-1])} |", flush=True)
    return rows


def _qemu() -> str | None:
    return os.environ.get("QEMU") or shutil.which("qemu-x86_64")


def _named(variable: str, default: tuple[str, ...]) -> list[str]:
    return [name for name in os.environ.get(variable, ",".join(default)).split(",") if name]


def _ways() -> dict[str, Way]:
    ways: dict[str, Way] = {
        "one core": (["taskset", "-c", str(min(os.sched_getaffinity(0)))], {}),
        "odd variables in the shell": ([], ODD),
    }
    if qemu := _qemu():
        emulated = _named("LANDLOOM_PROCESSORS", PROCESSORS)
        ways |= {f"qemu -cpu {name}": ([qemu, "-cpu", name], {}) for name in emulated}
    return ways


def _whole(folder: Path, dataset: str, prefix: list[str], shell: dict[str, str]) -> Made:
    """The files after the last stage."""
    return list(_stages(folder, dataset, prefix, shell))[-1][1]


def _compared(folder: Path, dataset: str, prefix: list[str], shell: dict[str, str], native: Made) -> str:
    """How many files are as in `native`; the first stage that makes others is named, with them."""
    first, made = "", {}
    try:
        for room, made in _stages(folder, dataset, prefix, shell):
            other = sorted(name for name, digest in made.items() if native.get(name) != digest)
            if other and not first:
                first = f"; {room} is the first stage with others: {', '.join(other[:5])}"
                print(f"{folder.name}/{dataset}{first}", flush=True)
    except RuntimeError as error:
        first += f"; a stage failed: {str(error)[-1000:]}"
        print(f"{folder.name}/{dataset}{first}", flush=True)
    same = sum(made.get(name) == digest for name, digest in native.items())
    more = len(made.keys() - native.keys())
    return f"{same} of {len(native)} files" + (f", {more} more" if more else "") + first.replace("\n", " ")


def _stages(folder: Path, dataset: str, prefix: list[str], shell: dict[str, str]) -> Iterator[tuple[str, Made]]:
    """Run stage after stage in a clone of its own; yields each, and SHA-256 of every output file there is then."""
    root = folder / dataset
    folder.mkdir(exist_ok=True)
    clone = Clone(root, dataset, DATASETS[dataset])
    environment = {name: value for name, value in clone.env.items() if not name.startswith(PREFIXES)} | shell
    began = time.monotonic()
    for rooms in PROCESSES:
        command = [*prefix, sys.executable, "-c", STAGES, dataset, *rooms.split()]
        log = folder / f"{dataset}.log"
        with log.open("w") as errors, _started(command, root, environment, errors) as process:
            said = []
            for line in process.stdout:
                if line.startswith("made "):
                    room, made = json.loads(line.removeprefix("made "))
                    seconds = time.monotonic() - began
                    print(f"{folder.name}/{dataset}: {room} after {seconds:.0f} s, {len(made)} files", flush=True)
                    yield room, made
                else:
                    said.append(line)
        if process.returncode:
            raise RuntimeError(f"{rooms} of {dataset}: {''.join(said)[-500:]}{log.read_text()[-2000:]}")


def _started(command: list[str], root: Path, environment: dict[str, str], errors: IO[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(command, cwd=root, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True)
