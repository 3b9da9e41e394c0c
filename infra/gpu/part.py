"""Run one part of the check as a process: `python -m infra.gpu.part NAME JOB`."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

from infra.gpu.work import Job, noting, told

PARTS = ("agreement", "speed", "training")


def run(name: str, job: Job) -> None:
    """Run the part; it appends its rows to `<out>/<name>.jsonl`."""
    note = noting(Path(job.out, f"{name}.jsonl"))
    with told(note, name):
        importlib.import_module(f"infra.gpu.{name}").run(job, note)


if __name__ == "__main__":
    run(sys.argv[1], Job.load(Path(sys.argv[2])))
    sys.stdout.flush()
    os._exit(0)  # the rows are on disk; a compiler's or a driver's threads must not hold the process
