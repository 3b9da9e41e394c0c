#!/usr/bin/env python3
"""A stand-in for SLURM's commands on one machine: `sbatch`, `srun`, `scontrol` and `scancel` are links to this file.

It gives a job the variables that SLURM 22.05 gives (read off a real one), runs one task a node, and puts a job into
the queue again. Where TOY_LIMIT names a file, the job's time limit is near as soon as that file is there.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

STATE = Path(os.environ.get("TOY_SLURM", "."))


def sbatch(words: list[str]) -> int:
    """Run the job script until it ends without having been put into the queue again."""
    options = {word.split("=")[0]: word.partition("=")[2] for word in words if word.startswith("--")}
    script = next(number for number, word in enumerate(words) if not word.startswith("--"))
    nodes = options.get("--nodes", "1")
    env = {**os.environ, "SLURM_JOB_ID": "7", "SLURM_JOB_NUM_NODES": nodes, "SLURM_SUBMIT_DIR": os.getcwd()}
    env |= {"SLURM_JOB_NODELIST": f"node[1-{nodes}]", "SLURM_CPUS_PER_TASK": options.get("--cpus-per-task", "8")}
    if "--gpus-per-node" in options:
        env["SLURM_GPUS_ON_NODE"] = options["--gpus-per-node"]
    while True:
        job = subprocess.Popen(["bash", *words[script:]], env=env)
        limit = os.environ.get("TOY_LIMIT")
        while job.poll() is None:
            if limit and Path(limit).exists():
                limit = None
                job.send_signal(signal.SIGTERM)
            time.sleep(0.02)
        if not (STATE / "requeued").exists():
            return job.returncode
        (STATE / "requeued").unlink()
        os.environ.pop("TOY_LIMIT", None)


def srun(words: list[str]) -> int:
    """One task a node, at the same time."""
    command = words[next(number for number, word in enumerate(words) if not word.startswith("--")) :]
    nodes = range(int(os.environ["SLURM_JOB_NUM_NODES"]))
    tasks = [subprocess.Popen(command, env={**os.environ, "SLURM_NODEID": str(node)}) for node in nodes]
    (STATE / "step").write_text(" ".join(str(task.pid) for task in tasks))
    return max(task.wait() for task in tasks)


def scontrol(words: list[str]) -> int:
    """`show hostnames LIST`, `requeue JOB`."""
    if words[0] == "requeue":
        (STATE / "requeued").touch()
    else:
        print("\n".join(["localhost"] * int(os.environ["SLURM_JOB_NUM_NODES"])))
    return 0


def scancel(words: list[str]) -> int:
    """`--signal=TERM JOB`: to the processes of the step, and not to the job script."""
    assert words[0] == "--signal=TERM"
    for task in (STATE / "step").read_text().split():
        with suppress(ProcessLookupError):
            os.kill(int(task), signal.SIGTERM)
    return 0


if __name__ == "__main__":
    sys.exit(
        {"sbatch": sbatch, "srun": srun, "scontrol": scontrol, "scancel": scancel}[Path(sys.argv[0]).name](sys.argv[1:])
    )
