"""A training with the best settings for the remaining time, its evaluation, and its pictures."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

from infra.gpu import speed
from infra.gpu.device import peak_gib
from infra.gpu.work import Job, Note, Speaking, noted, stage, told
from tasks.train.deadline import VARIABLE
from tasks.train.params import Params

EVALUATION = (40.0, 0.3, 120.0)
"""Time for the evaluation: least seconds, share of the remaining time, most seconds."""
SPENT = 0.85
"""Share of the training's time for its steps. The rest is for compiling, pictures and checkpoints."""


def run(job: Job, note: Note) -> None:
    """Train and evaluate in a scratch folder; copy the pictures to the folder of the tables."""
    best = [row for row in noted(Path(job.out, "speed.jsonl")) if row["name"] == "best"]
    if not best:
        note({"name": "training", "problem": "left out: no speed was measured"})
        return
    least, share, most = EVALUATION
    seconds = job.left - (job.left * 0.3 if job.toy else max(least, min(most, share * job.left)))
    steps = 6 if job.toy else max(4, int(best[-1]["steps_per_second"] * seconds * SPENT))
    values = speed.changed(job.train, best[-1]["changes"]) | _paced(steps, job.toy)
    os.environ.pop("DVC_STAGE", None)
    os.environ[VARIABLE] = str(time.time() + seconds)
    trained = _train(job, note, "training", values)
    if not trained and time.time() < float(os.environ[VARIABLE]) - 10:  # as few switches as possible, then
        plain = speed.changed(values, {"speed": {"compile": "none", "fused_optimizer": False}})
        trained = _train(job, note, "training again, not compiled", plain)
    with told(note, "evaluation"):
        if trained:
            _evaluate(job, note)


def _train(job: Job, note: Note, name: str, values: dict[str, Any]) -> bool:
    """Run the stage; whether it left a model."""
    from tasks.train.run import run as train

    with told(note, name):
        params, said = Params(**values), Speaking()
        here = stage(job, "train", params, said)
        train(here)
        wanted = ("steps_done", "steps_per_second", "waiting_share", "train_seconds", "parameters")
        facts = {each: said.said[each] for each in wanted if each in said.said}
        note({"name": name, "steps": params.steps, "speed": params.speed.model_dump(), **facts, "peak_gib": peak_gib()})
        _keep(here.dir / "pictures" / "train", Path(job.out, "pictures"))
        return True
    return False


def _paced(steps: int, toy: bool) -> dict[str, Any]:
    """Return warm-up, averaging and intervals for a training of `steps` steps."""
    return {
        "steps": steps,
        "warmup": min(500, steps // 20),
        "ema_half_life": max(2.0, steps / 20),
        "log_every": max(1, steps // 100),
        "checkpoint_every": max(1, steps // 2),
        "picture_every": steps if toy else max(1, steps // 4),
    }


def _evaluate(job: Job, note: Note) -> None:
    from tasks.evaluate.params import Params as Evaluation
    from tasks.evaluate.run import run as evaluate

    began = time.perf_counter()
    here = stage(job, "evaluate", Evaluation(**job.evaluate), Speaking())
    evaluate(here)
    account = json.loads((here.dir / "evaluation" / "metrics.json").read_text())
    headline = next(metric for metric in account["metrics"] if metric["name"] == account["headline"])
    facts = {name: headline[name] for name in ("title", "value", "low", "high", "floor", "better")}
    note({"name": "evaluation", **facts, "seconds": time.perf_counter() - began})
    _keep(here.dir / "pictures" / "evaluate", Path(job.out, "pictures"))
    shutil.copy(here.dir / "evaluation" / "metrics.json", Path(job.out, "evaluation.json"))


def _keep(source: Path, target: Path) -> None:
    target.mkdir(exist_ok=True)
    for path in sorted(source.glob("*.png")):
        shutil.copy(path, target / path.name)
