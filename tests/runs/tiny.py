"""A committed tree with one small stage, which runs for real and writes every kind of output."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
import yaml

import tasks.runs.execute
from tasks.core.settings import Compute, Settings, Strict
from tasks.core.stage import Stage
from tasks.runs.execute import run_stage

SECRET = "sk-this-must-never-be-written-down"
DAG = """
stages:
  tiny:
    foreach: ${datasets}
    do:
      cmd: python -m tasks.tiny ${key}
      deps: [code.py, "data/${key}/in"]
      params: [seed, "datasets.${key}.tiny"]
      outs: ["data/${key}/out", "data/${key}/pictures/tiny", "data/${key}/runs/tiny.json"]
      metrics: ["data/${key}/metrics/tiny.json"]
"""


class Params(Strict):
    size: int
    deep: dict[str, float]


def git(root: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    return subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True, text=True).stdout


def grow_tree(root: Path) -> Path:
    """Create a committed tree with one stage, its input, and uncommitted changes."""
    (root / "data/toy/in").mkdir(parents=True)
    (root / "data/toy/in/a.txt").write_text("input")
    (root / "dvc.yaml").write_text(DAG)
    (root / "params.yaml").write_text(yaml.safe_dump({"seed": 3, "datasets": {"toy": {"tiny": {"size": 2}}}}))
    (root / "code.py").write_text("answer = 41\n")
    (root / ".gitignore").write_text("data/\n.landloom/\nmlflow.db*\nmlartifacts/\n")
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-qm", "start")
    (root / "code.py").write_text("answer = 42\n")
    (root / "new_module.py").write_text("born = True\n")
    (root / "keys.env").write_text(SECRET)
    return root


def run_tiny(root: Path, function: Callable[[Stage[Params]], None]) -> None:
    """Run the stage with the given settings, because the tree has no rooms that could validate its parameters."""
    section = {"size": 2, "deep": {"x": 0.5}}
    settings = Settings(seed=3, compute=Compute(engine="serial", workers=1), datasets={"toy": {"tiny": section}})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tasks.runs.execute, "load", lambda *_: settings)
        patch.delenv("DVC_STAGE", raising=False)
        run_stage("tiny", "toy", Params, function, root)


def work(stage: Stage[Params]) -> None:
    (stage.dir / "out").mkdir(exist_ok=True)
    (stage.dir / "out" / "x.txt").write_text("x" * stage.params.size)
    figure, axes = plt.subplots(figsize=(1, 1))
    axes.plot([1, 2])
    stage.picture("line", figure)
    plt.close(figure)
    for step in range(1200):
        stage.metrics({"loss": 1 / (step + 1)}, step=step)
    stage.metrics({"score": 0.25, "detail": 7}, shown=("score",))
