"""Test the GPU of this machine for some minutes: `make gpu-check MINUTES=9`, or in an unpacked bundle

    python3 -m infra.gpu.check --minutes 9

The check has three parts: numbers (bf16 against fp32, this device against the processor, a resumed run against an
unbroken one), speed-ups one by one, and a training with evaluation in the remaining time. Each part is a process with a
time limit. If a part fails or hangs, the tables say so and the next part starts. Results are written to a new folder
of `.landloom/gpu-check/`.

The check reads the shards of the dataset and no other file of `data/`, and writes nothing there. It needs no MLflow,
DVC or Prefect. A bundle of `train@terrain evaluate@terrain` contains all that it needs.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tasks  # noqa: F401 - fixes the arithmetic before numpy loads
from flows.bundles.layout import PACKAGES
from flows.bundles.machine import look, told
from infra.gpu import report
from infra.gpu.part import PARTS
from infra.gpu.speed import changed
from infra.gpu.work import Job
from tasks.core import yaml12
from tasks.core.settings import ROOT

ENDS = {"agreement": 0.2, "speed": 0.6, "training": 1.0}
"""From each part to the share of the whole time at which it ends."""
LAST_S = 5.0  # reserved for writing the tables
Starter = Callable[[str, Job], str]


def check(job: Job, minutes: float, start: Starter, hardware: dict[str, object]) -> dict[str, str]:
    """Run all parts; return how each one ended, by its name. The tables are written after each part."""
    out, began = Path(job.out), time.time()
    date, ended = time.strftime("%Y-%m-%d", time.gmtime(began)), {}
    for part in PARTS:
        until = began + 60 * minutes * ENDS[part] - LAST_S * (part == PARTS[-1])
        print(f"{part}: {until - time.time():.0f} s", flush=True)
        ended[part] = start(part, job.with_end(until))
        report.write(out, ended, hardware, date, minutes)
    print(f"{out / 'check.md'}: {', '.join(f'{part} {how}' for part, how in ended.items())}")
    return ended


def start(part: str, job: Job) -> str:
    """Run one part in a process, and kill it at its time limit; rows written before then stay. Return how it ended."""
    path = Path(job.out, f"{part}.json")
    job.save(path)
    packages = os.path.join(job.root, PACKAGES)
    paths = os.pathsep.join(filter(None, (job.root, packages, os.environ.get("PYTHONPATH"))))
    process = subprocess.Popen(
        [sys.executable, "-m", "infra.gpu.part", part, str(path)],
        env={**os.environ, "PYTHONPATH": paths, "PYTHONUNBUFFERED": "1", "DO_NOT_TRACK": "1"},
        start_new_session=True,
    )
    try:
        status = process.wait(max(1.0, job.left))
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return "killed, because its time was over"
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    return "done" if status == 0 else f"ended with status {status}"


def job_of(root: Path, out: Path, dataset: str, scale: str | None, toy: bool) -> Job:
    """Return the job, with the parameters of `params.yaml` and the section `train` of an overlay.

    Raises:
        SystemExit: there are no shards.
    """
    if not (root / "data" / dataset / "shards" / "card.json").exists():
        sys.exit(
            f"data/{dataset}/shards is missing: run `dvc repro shard@{dataset}`, or take a bundle of train@{dataset}"
        )
    values = yaml12.load((root / "params.yaml").read_text())
    sections = values["datasets"][dataset]
    train: dict[str, Any] = sections["train"]
    if scale:
        overlay = yaml12.load((root / "infra" / "scales" / f"{scale}.yaml").read_text())
        train = changed(train, overlay["datasets"].get(dataset, {}).get("train", {}))
    out.mkdir(parents=True, exist_ok=True)
    return Job(str(root), str(out), dataset, values["seed"], train, sections["train"], sections["evaluate"], toy, 0.0)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.gpu.check", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=9.0, help="time for everything (%(default)s)")
    parser.add_argument("--dataset", default="terrain", help="the dataset to train on (%(default)s)")
    parser.add_argument("--scale", help="overlay of infra/scales for the training (default: gpu if there is a GPU)")
    parser.add_argument("--out", type=Path, help="folder of the results")
    parser.add_argument("--toy", action="store_true", help="measure as little as possible, as a rehearsal")
    arguments = parser.parse_args()
    sys.path.append(str(ROOT / PACKAGES))
    hardware = look(["torch"], {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / PACKAGES)))})
    print(told(hardware), flush=True)
    scale = arguments.scale or ("gpu" if hardware.get("gpus") else None)
    out = arguments.out or ROOT / ".landloom" / "gpu-check" / time.strftime("%Y%m%d-%H%M%S")
    job = job_of(ROOT, out.resolve(), arguments.dataset, scale, arguments.toy)
    ended = check(job, arguments.minutes, start, hardware)
    sys.exit(any(how != "done" for how in ended.values()))


if __name__ == "__main__":
    main()
