"""The model that comes with the repository: time of its command, and how fast it samples."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from models.core.artifact import load_model
from tasks.core.settings import ROOT
from tests.benchmarks.fresh import child_output

MODEL = ROOT / "models/pretrained/terrain"
TEXT = "high mountains with steep slopes, spurs and valleys"
COUNT = 9
BATCH, BATCHES, ALONE = 64, 8, 40
STEPS = (1, 2)
TOY = {"COUNT": 1, "BATCH": 2, "BATCHES": 1, "ALONE": 2, "STEPS": (1,), "TEXT": ""}


def run() -> list[tuple[str, str, str]]:
    """Rows of the table."""
    if not (MODEL / "config.json").exists():
        return [("the model that comes with the repository", "not measured: this checkout has none", "")]
    rows = [_command()]
    for steps in STEPS:
        one = json.loads(child_output("pretrained", str(MODEL), str(steps)))
        times = f"{steps} evaluation{'s' * (steps > 1)}"
        what = f"its terrains a second, {times}, batches of {BATCH}, {one['threads']} threads"
        told = f"{one['rate']:.0f} by the clock, {one['rate_cpu']:.0f} a second of processor; one alone: "
        told += f"p50 {one['p50']:.0f} ms, p95 {one['p95']:.0f} ms; peak memory {one['memory']:.0f} MiB"
        rows.append((what, told, "≥ 600" if steps == 1 else ""))
    return rows


def _command() -> tuple[str, str, str]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tasks.generate", "terrain", "--model", str(MODEL), "--seed", "7"]
        command += ["--count", str(COUNT), "--out", f"{folder}/out", *(["--text", TEXT] if TEXT else [])]
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        made = len(list(Path(folder, "out").iterdir()))
    spent = sum(getattr(after, name) - getattr(before, name) for name in ("ru_utime", "ru_stime"))
    what = f"`python -m tasks.generate terrain --model pretrained`, {COUNT} terrains with all exports ({made} files)"
    return what, f"{wall:.1f} s by the clock, {spent:.1f} s of processor", "seconds"


def child(folder: str, steps: str) -> None:
    """Print facts about sampling in this process."""
    import torch

    model = load_model(Path(folder), "cpu")
    model.sample(range(BATCH), seed=0, steps=int(steps))  # the first batch takes memory and starts threads
    start, spent = time.perf_counter(), time.process_time()
    for batch in range(BATCHES):
        model.sample(range(batch * BATCH, (batch + 1) * BATCH), seed=1, steps=int(steps))
    wall, spent = time.perf_counter() - start, time.process_time() - spent
    alone = []
    for index in range(ALONE):
        start = time.perf_counter()
        model.sample([index], seed=2, steps=int(steps))
        alone.append(1000 * (time.perf_counter() - start))
    p50, p95 = np.quantile(alone, (0.5, 0.95))
    facts = {"rate": BATCH * BATCHES / wall, "rate_cpu": BATCH * BATCHES / spent, "p50": p50, "p95": p95}
    facts |= {"threads": torch.get_num_threads()}
    print(json.dumps(facts | {"memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
