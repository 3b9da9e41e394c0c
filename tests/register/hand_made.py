"""Stages upstream of `register`, made by hand, with real runs in a sqlite store."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

import tasks.runs.execute
from tasks.core.dag import stage_entry
from tasks.core.files import write_json
from tasks.core.hashing import dvc_md5
from tasks.core.settings import Compute, Settings, Strict
from tasks.formats.tables.ledger import LedgerRow, write_ledger
from tasks.register.params import Params
from tasks.register.run import run
from tasks.runs.execute import run_stage

CHECKOUT = Path(__file__).resolve().parents[2]
UPSTREAM = ["acquire", "project", "select", "label", "caption", "shard", "train", "evaluate", "generate"]


class Anything(Strict):
    method: dict[str, str]
    size: str = "one"


def run_one(root: Path, room: str, model: type[Strict], function, section: dict) -> None:
    settings = Settings(seed=1, compute=Compute(engine="serial", workers=1), datasets={"terrain": {room: section}})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tasks.runs.execute, "load", lambda *_: settings)
        patch.delenv("DVC_STAGE", raising=False)
        run_stage(room, "terrain", model, function, root)


def account(score: float, held_out: str) -> dict:
    """What `evaluate` writes, with a model, a floor and a control."""
    metrics = [
        {"name": f"swd/{name}", "title": f"distance, {name}", "value": value, "low": None, "high": None, "floor": 0.25}
        | {"better": "lower", "measure": "swd", "set": name}
        for name, value in (("steps1", score), ("floor_train", 0.25), ("control_noise", 0.75))
    ]
    sets = [
        {"name": name, "title": title, "kind": kind}
        for name, title, kind in (
            ("steps1", "model, 1 step", "generated"),
            ("floor_train", "training tiles", "floor"),
            ("control_noise", "noise", "control"),
        )
    ]
    measures = [{"name": "swd", "title": "distance", "better": "lower"}]
    return {"headline": "swd/steps1", "held_out": held_out, "metrics": metrics, "measures": measures, "sets": sets}


def make_stage(
    root: Path, room: str, text: str = "bytes", score: float = 0.5, held_out: str = "here", sized: tuple[str, ...] = ()
) -> None:
    """Run a stage that writes every output dvc.yaml names for it, and lock it as DVC would.

    `text` is the content of its outputs, and a parameter of the stages in `sized`.
    """

    def write(stage) -> None:
        for out in stage_entry(room, "terrain", root).outs:
            path = root / out
            if path.suffix == "":
                path.mkdir(parents=True, exist_ok=True)
                (path / "part.txt").write_text(f"{room} {text}")
            elif "/runs/" not in out and "/metrics/" not in out:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(f"{room} {text}")
        if room == "acquire":
            write_ledger(LEDGER, stage.dir / "raw")
        if room == "evaluate":
            write_json(stage.dir / "evaluation" / "metrics.json", account(score, held_out))
        if room == "generate":
            write_json(stage.dir / "samples" / "index.json", {"pictures": [{"name": "overview", "text": "samples"}]})
            stage.picture("overview", np.full((8, 8, 3), 90, np.uint8))

    run_one(root, room, Anything, write, {"method": {"name": "m"} | ({"size": text} if room in sized else {})})
    path = root / "dvc.lock"
    lock = yaml.safe_load(path.read_text()) if path.exists() else {"schema": "2.0", "stages": {}}
    outs = stage_entry(room, "terrain", root).outs
    lock["stages"][f"{room}@terrain"] = {
        "outs": [{"path": out, "hash": "md5", "md5": dvc_md5(root / out)} for out in outs]
    }
    path.write_text(yaml.safe_dump(lock))


URL = "https://example.org/a.tif"
LEDGER = [
    LedgerRow("a.tif", "height", "files", "CC-BY-4.0", "Survey of A", path="a.tif", sha256="0" * 64, bytes=10, url=URL),
    LedgerRow("b.tif", "height", "files", "CC-BY-4.0", "Survey of A", path="b.tif", sha256="1" * 64, bytes=5),
    LedgerRow("c.tif", "height", "files", "CC-BY-4.0", "Survey of A", refused="no CRS"),
    LedgerRow("p", "height", "sample", "CC0-1.0", "computed", path="p.tif", bytes=1, procedural=True),
]

FIGURES = {"headline": 0.5, "swd/steps1": 0.5, "swd/floor_train": 0.25, "swd/control_noise": 0.75}
SOURCE_FIELDS = ("source", "licence", "attribution", "procedural", "rasters", "bytes", "refused")


def grow(root: Path) -> Path:
    (root / "dvc.yaml").write_text((CHECKOUT / "dvc.yaml").read_text())
    # What dvc.yaml names folders by.
    chosen = {"acquire": {"source": {"kind": "sample"}}, "train": {"method": {"name": "consistency"}}}
    (root / "params.yaml").write_text(yaml.safe_dump({"seed": 1, "datasets": {"terrain": chosen}}))
    for room in UPSTREAM:
        make_stage(root, room)
    return root


def register(root: Path, **section) -> dict:
    run_one(root, "register", Params, run, {"model": "toy terrain", **section})
    return json.loads((root / "data/terrain/lineage.json").read_text())
