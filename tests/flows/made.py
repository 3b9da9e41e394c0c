"""A small pipeline recorded for real: two stages, their runs in a sqlite database, their bytes in DVC's cache."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

import tasks.runs.execute
from tasks.core.dag import stage_entry
from tasks.core.hashing import dvc_md5, file_md5
from tasks.core.settings import Compute, Settings, Strict
from tasks.formats.tables.ledger import LedgerRow, write_ledger
from tasks.runs.execute import run_stage

DVC = """
stages:
  acquire:
    foreach: ${datasets}
    do:
      cmd: python -m tasks.acquire ${key}
      deps: [tasks/acquire.py]
      params: [seed, "datasets.${key}.acquire"]
      outs: ["data/${key}/raw", "data/${key}/runs/acquire.json"]
  label:
    foreach: ${datasets}
    do:
      cmd: python -m tasks.label ${key}
      deps: [tasks/label.py, "data/${key}/raw"]
      params: [seed, "datasets.${key}.label"]
      outs: ["data/${key}/labels", "data/${key}/pictures/label", "data/${key}/runs/label.json"]
  train:
    foreach: ${datasets}
    do:
      cmd: python -m tasks.train ${key}
      deps: [tasks/train.py, "data/${key}/raw", "data/${key}/labels"]
      params: [seed, "datasets.${key}.train"]
      outs: ["data/${key}/model", "data/${key}/runs/train.json"]
"""
URL = "https://example.org/tiles/{}.tif"
LEDGER = [
    *(
        LedgerRow(
            f"{n}.tif", "height", "stac", "CC-BY-4.0", "Survey of A", path=f"{n}.tif", bytes=10, url=URL.format(n)
        )
        for n in range(6)
    ),
    LedgerRow("p", "height", "sample", "CC0-1.0", "computed", path="p.tif", bytes=1, procedural=True, sha256="0" * 64),
    LedgerRow("x.tif", "height", "stac", "CC-BY-4.0", "Survey of A", refused="no CRS"),
]
STAGES = ("acquire", "label", "train")


class Anything(Strict):
    method: str


def git(root: Path, *arguments: str) -> str:
    who = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    return subprocess.run(
        ["git", *who, *arguments], cwd=root, check=True, capture_output=True, text=True
    ).stdout.strip()


def make(root: Path, room: str, text: str = "bytes") -> str | None:
    """Run a stage that writes what `dvc.yaml` names, lock it and cache it as DVC would; returns its run id."""

    def write(stage) -> None:
        for out in stage_entry(room, "terrain", root).outs:
            if not out.endswith(".json"):
                (root / out).mkdir(parents=True, exist_ok=True)
                (root / out / "part.txt").write_text(f"{room} {text}")
        if room == "acquire":
            write_ledger(LEDGER, stage.dir / "raw")
        if room == "label":
            import numpy as np

            stage.picture("sheet", np.full((60, 90, 3), 120, np.uint8))
        stage.metrics({"rasters": 7, "swd/steps2": 0.5, "headline": 0.5}, shown=("headline", "rasters", "absent"))

    settings = Settings(
        seed=1, compute=Compute(engine="serial", workers=1), datasets={"terrain": {room: {"method": "m"}}}
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tasks.runs.execute, "load", lambda *_: settings)
        patch.delenv("DVC_STAGE", raising=False)
        run_stage(room, "terrain", Anything, write, root)
    path, entry = root / "dvc.lock", stage_entry(room, "terrain", root)
    lock = yaml.safe_load(path.read_text()) if path.exists() else {"schema": "2.0", "stages": {}}
    lock["stages"][f"{room}@terrain"] = {
        "cmd": f"python -m tasks.{room} terrain",
        "deps": [{"path": dep, "hash": "md5", "md5": dvc_md5(root / dep)} for dep in entry.deps],
        "params": {"params.yaml": {"seed": 1, f"datasets.terrain.{room}": {"method": "m"}}},
        "outs": [{"path": out, "hash": "md5", "md5": dvc_md5(root / out)} for out in entry.outs],
    }
    path.write_text(yaml.safe_dump(lock, sort_keys=False))
    for out in entry.outs:
        keep(root, root / out)
    return json.loads((root / f"data/terrain/runs/{room}.json").read_text())["run_id"]


def keep(root: Path, path: Path) -> None:
    """Put a file or a folder into DVC's cache."""
    for file in [path] if path.is_file() else sorted(path.rglob("*")):
        digest = file_md5(file)
        kept = root / ".dvc/cache/files/md5" / digest[:2] / digest[2:]
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, kept)
    if path.is_dir():
        digest = dvc_md5(path)
        files = {file.relative_to(path).as_posix(): file for file in path.rglob("*")}
        listing = [{"md5": file_md5(files[name]), "relpath": name} for name in sorted(files)]
        kept = root / ".dvc/cache/files/md5" / digest[:2] / digest[2:]
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(listing, sort_keys=True))


def grow(root: Path, stages: tuple[str, ...] = STAGES) -> dict[str, str | None]:
    """A committed repository in which every stage ran; returns the run ids."""
    (root / "tasks").mkdir(parents=True)
    for name in STAGES:
        (root / f"tasks/{name}.py").write_text(f"# {name}\n")
    (root / "dvc.yaml").write_text(DVC)
    (root / "params.yaml").write_text("seed: 1\ndatasets: {terrain: {acquire: {method: m}}}\n")
    (root / ".gitignore").write_text("/data/\n/mlflow.db*\n/mlartifacts/\n/.landloom/\n/.dvc/\n")
    git(root, "init", "-q", "-b", "main")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "toy")
    return {room: make(root, room) for room in stages}
