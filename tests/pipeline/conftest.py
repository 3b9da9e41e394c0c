"""A clone of the working tree at toy scale, in which `dvc repro` runs for real."""

from __future__ import annotations

import copy
import json
import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from filelock import FileLock

from tasks.core.settings import ROOT
from tests.templates import give_mlflow_database

TOY = {
    "acquire": {"source": {"planet_cells": ["N20W165"], "planet_px": 400}},
    "project": {"scene_px": 256, "gsd": 180},
    "select": {"px": 32, "stride": 16, "quota": 160, "block_km": 12.0},
    "shard": {"px": 32, "tiles_per_shard": 64},
    "train": {"steps": 8, "batch": 8, "warmup": 2, "checkpoint_every": 3, "picture_every": 4, "threads": 1},
    "evaluate": {"samples": 16, "projections": 16, "bootstrap": 4},
    "generate": {"count": 2},
}
NETWORK = {"channels": 8, "multipliers": [1, 2], "attention": []}
TERRAIN = {**TOY, "train.method.network": NETWORK}


def work_tree(folder: Path) -> None:
    """Copy the working tree's files, tracked or new, without `dvc.lock`."""
    folder.mkdir()
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, check=True, capture_output=True
    )
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file() and not name.startswith("dvc.lock"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    copy_compiled(ROOT, folder)


def copy_compiled(source: Path, target: Path) -> None:
    """Copy numba's compiled code, which fits a file of the same time and size: `target` need not compile it again."""
    for path in [path for kind in ("nbi", "nbc") for path in (source / "tasks").rglob(f"__pycache__/*.{kind}")]:
        there = target / path.relative_to(source)
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, there)


def commit(folder: Path) -> None:
    """Make `folder` a git repository, or go on in the one that it is, and commit all of it."""
    for command in (
        ["init", "-q", "-b", "main"],
        ["add", "-A"],
        ["-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "toy"],
    ):
        subprocess.run(["git", *command], cwd=folder, check=True)


def own_environment() -> dict[str, str]:
    """The environment for commands in a clone: no store or setting of another place, and compiled code is kept."""
    others = ("DVC_", "GIT_", "MLFLOW_", "PYTHONDONTWRITEBYTECODE")
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(others)},
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DVC_NO_ANALYTICS": "1",
    }


IN_ONE_PROCESS = """
import importlib, sys
from pathlib import Path
from tasks.core.settings import room_params
from tasks.runs.execute import run_stage
for room in sys.argv[2:]:
    run_stage(room, sys.argv[1], room_params(room), importlib.import_module(f"tasks.{room}.run").run, Path.cwd())
"""


class Clone:
    """A fresh git repository holding the working tree's files, at toy scale, with one dataset alone.

    `values` are the dataset's dotted keys that differ from params.yaml. `first` leaves the making of MLflow's database
    to the first stage, as a user's checkout does.
    """

    def __init__(self, folder: Path, dataset: str = "terrain", values: dict[str, Any] = TERRAIN, first: bool = False):
        self.root = folder
        work_tree(folder)
        self._keep(dataset)
        self.change({f"datasets.{dataset}.{key}": value for key, value in values.items()})
        self.change({"compute.engine": "serial"})
        commit(folder)
        if not first:
            give_mlflow_database(folder)
        self.env = own_environment()

    def copy(self, folder: Path) -> Clone:
        """The clone as it stands, in another folder: its data, caches and recorded runs too."""
        shutil.copytree(self.root, folder, symlinks=True)
        twin = copy.copy(self)
        twin.root = folder
        return twin

    def _keep(self, dataset: str) -> None:
        """Drop every other dataset."""
        path = self.root / "params.yaml"
        params = yaml.safe_load(path.read_text())
        params["datasets"] = {dataset: params["datasets"][dataset]}
        path.write_text(yaml.safe_dump(params, sort_keys=False))

    def change(self, values: dict[str, Any]) -> None:
        """Set dotted keys of params.yaml; a mapping is merged into what is there."""
        path = self.root / "params.yaml"
        params = yaml.safe_load(path.read_text())
        for dotted, value in values.items():
            *parents, last = dotted.split(".")
            target = params
            for part in parents:
                target = target[part]
            _merge(target, last, value)
        path.write_text(yaml.safe_dump(params, sort_keys=False))

    def repro(self, *arguments: str, env: dict[str, str] | None = None) -> list[str]:
        """`dvc repro`; returns the stages that ran, in order."""
        done = subprocess.run(
            ["dvc", "repro", *arguments],
            cwd=self.root,
            env={**self.env, **(env or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, done.stdout[-4000:]
        self.output = done.stdout
        return re.findall(r"^Running stage '(.+?)'", done.stdout, re.MULTILINE)

    def in_one_process(self, dataset: str, *rooms: str) -> None:
        """Run stages one after the other in one process, which loads the libraries once, and commit them to DVC."""
        keys = [f"{room}@{dataset}" for room in rooms]
        for command in (
            [sys.executable, "-c", IN_ONE_PROCESS, dataset, *rooms],
            ["dvc", "commit", "--quiet", "--force", *keys],
        ):
            done = subprocess.run(command, cwd=self.root, env=self.env, capture_output=True, text=True, timeout=600)
            assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]

    def repro_killed_in(self, stage: str, after: float) -> None:
        """Start `dvc repro`, wait until `stage` runs, and SIGKILL everything `after` seconds later."""
        log = self.root.parent / f"{stage}.log"
        with log.open("w") as stream:
            process = subprocess.Popen(
                ["dvc", "repro"], cwd=self.root, env=self.env, stdout=stream, stderr=stream, start_new_session=True
            )
        deadline = time.monotonic() + 300
        while f"Running stage '{stage}'" not in log.read_text():
            assert process.poll() is None, f"dvc repro ended before {stage} ran:\n{log.read_text()[-3000:]}"
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(after)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def hashes(self) -> dict[str, str]:
        """Output hashes of `dvc.lock`, without the run files (whose run ids are their content)."""
        lock = yaml.safe_load((self.root / "dvc.lock").read_text())
        return {
            out["path"]: out["md5"]
            for stage in lock["stages"].values()
            for out in stage["outs"]
            if "/runs/" not in out["path"]
        }

    def status(self) -> dict[str, Any]:
        """Return `dvc status --json`: what would run, and why. A process that still holds DVC's lock is waited for."""
        deadline = time.monotonic() + 60
        while True:
            done = subprocess.run(
                ["dvc", "status", "--json"], cwd=self.root, env=self.env, capture_output=True, text=True
            )
            if done.returncode == 0:
                return json.loads(done.stdout)
            assert "lock" in done.stderr and time.monotonic() < deadline, done.stderr[-2000:]
            time.sleep(0.5)


def _merge(target: dict[str, Any], key: str, value: Any) -> None:
    there = target.get(key)
    both = isinstance(value, dict) and isinstance(there, dict)
    if both and all(value.get(k, there.get(k)) == there.get(k) for k in ("kind", "name")):  # else another choice
        for name, inner in value.items():
            _merge(target[key], name, inner)
    else:
        target[key] = value


@pytest.fixture(scope="session")
def unbroken(tmp_path_factory) -> Clone:
    """A clone in which the whole pipeline ran once without a break; no test may change it.

    Its attribute `first` lists the stages in the order in which they ran. All processes of one test run share
    the clone: the first to need it makes it, the others wait.
    """
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    kept = folder / "unbroken.pickle"
    with FileLock(folder / "unbroken.lock"):
        if not kept.exists():
            kept.write_bytes(pickle.dumps(None))  # what the others find if this attempt fails
            clone = Clone(folder / "unbroken", first=True)
            clone.first = clone.repro()
            kept.write_bytes(pickle.dumps(clone))
    clone = pickle.loads(kept.read_bytes())
    assert clone is not None, "the pipeline failed in the first test that needed it; that test says why"
    clone.env = own_environment()  # not that of the process that made it
    return clone


@pytest.fixture(scope="session")
def done(unbroken, tmp_path_factory) -> Clone:
    """A copy of `unbroken` for this process. Tests that change it put it back."""
    return unbroken.copy(tmp_path_factory.mktemp("done") / "repo")
