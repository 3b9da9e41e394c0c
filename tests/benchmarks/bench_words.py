"""Does what is given steer a model? Words, sketches, known and coarse heights of held-out tiles, by kind of terrain.

The dataset's folder holds `model` and `shards`; `LANDLOOM_STEERED` names another than the demo's. Pictures of the
samples go to the folder of `LANDLOOM_STEERED_PICTURES`, if it is set.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from models.core.artifact import load_model
from tasks.core.dag import StageEntry
from tasks.core.run import Run
from tasks.core.settings import ROOT, Compute
from tasks.core.stage import Stage
from tasks.evaluate.heights.steering.part import OTHER, Part
from tasks.evaluate.heights.steering.steer import measure_steering
from tasks.evaluate.params import Params
from tasks.formats.shards.shardset import ShardSet
from tasks.relief.landform_classes import KINDS

DATA = Path(os.environ.get("LANDLOOM_STEERED", ROOT / "data" / "terrain"))
SAMPLES = 1024  # held-out tiles at most
STEPS = (1, 2)
GUIDANCE = (1.0, 2.0, 4.0)
BARS = {
    "text/relief": "≥ 70 %, another tile's ≤ 35 %",
    "text/landform": "≥ 60 %",
    "text/aspect": "≥ 50 %",
    "known/unchanged": "100 %",
    "known/seam": "within 10 % of 1",
    "coarse/means": "≤ 0.001",
}
TOY = {"SAMPLES": 32, "STEPS": (1,), "GUIDANCE": (1.0,)}


def run() -> list[tuple[str, str, str]]:
    """Rows of the table."""
    if not (DATA / "model" / "config.json").is_file():
        return [("what steers a model", f"not measured: {DATA} has no model", "")]
    model, shards = load_model(DATA / "model"), ShardSet(DATA / "shards")
    if not model.conditions:
        return [("what steers a model", f"not measured: {DATA / 'model'} takes no conditions", "")]
    rows = []
    for steps in STEPS:
        for guidance in GUIDANCE if "text" in model.conditions else (1.0,):
            if guidance > (model.most_guidance or guidance):
                continue
            what = f"{steps} evaluation{'s' * (steps > 1)}" + (f", guidance {guidance:g}" if guidance != 1 else "")
            with tempfile.TemporaryDirectory() as folder:
                parts = _measure(Path(folder), model, shards, steps, guidance, guidance == 1)
            for name, part in parts.items():
                _keep(part, f"{name}-steps{steps}-guidance{guidance:g}")
                rows += [(f"{row['question']}; {what}", _told(row), bar) for row, bar in _barred(name, part)]
    return rows


def _measure(folder: Path, model: Any, shards: ShardSet, steps: int, guidance: float, every: bool) -> dict[str, Part]:
    """Parts by condition; words alone unless `every`."""
    params = Params(steps=[steps], steered=SAMPLES, guidance=guidance)
    compute = Compute(engine="serial", workers=1)
    stage = Stage(StageEntry("evaluate", "terrain", (), (), ()), params, 20, compute, Run(), folder)
    found = measure_steering(stage, model, shards, None if every else ("text",))
    return {name: part for name, part in found.items() if part is not None}


def _barred(name: str, part: Part) -> list[tuple[dict[str, Any], str]]:
    keys = [metric.name.split("/")[1] for metric in part.metrics]
    return [(row, BARS.get(f"{name}/{key}", "")) for key, row in zip(keys, part.table, strict=True)]


def _told(row: dict[str, Any]) -> str:
    kinds = ", ".join(f"{kind} {row[kind]}" for kind in KINDS)
    return f"{row['generated']} of {row['tiles']}; another tile's {row[OTHER]}; real {row['real tiles']}; {kinds}"


def _keep(part: Part, name: str) -> None:
    if (place := os.environ.get("LANDLOOM_STEERED_PICTURES")) and part.picture is not None:
        Path(place).mkdir(parents=True, exist_ok=True)
        part.picture[1].savefig(Path(place) / f"{name}.png", dpi=110)
