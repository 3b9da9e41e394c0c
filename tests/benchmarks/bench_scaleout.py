"""What each stage that spreads its work gains from two processes, and from two Dask workers that stand ready.

The stages run on the built-in sample, finer than the demo, from `acquire` on; every engine takes its turn on the
same inputs, and every stage must leave the same bytes whoever computed it.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
import time
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import yaml

from tasks.core.dag import StageEntry, stage_entry, stage_names
from tasks.core.hashing import dvc_md5
from tasks.core.run import Run
from tasks.core.settings import ROOT, Compute
from tasks.core.stage import Stage
from tests.compute.dask_cluster import dask_cluster

# A quarter of a minute of one core or more a stage, so that starting processes is not what is measured.
FINER: dict[str, dict[str, Any]] = {
    "acquire": {"source": {"planet_px": 2600}},
    "project": {"gsd": 25, "scene_px": 512},
    "select": {"stride": 32, "quota": 20000},
    "shard": {"tiles_per_shard": 512, "encoding": "png16"},
}
WORKERS, ROUNDS = 2, 2
TOY = {
    "WORKERS": 1,
    "ROUNDS": 1,
    "FINER": {
        "acquire": {"source": {"planet_px": 400, "planet_cells": ["N20W165"]}},
        "project": {"gsd": 180, "scene_px": 256},
        "select": {"px": 32, "stride": 16, "quota": 160, "block_km": 12.0},
        "shard": {"px": 32, "tiles_per_shard": 64, "encoding": "png16"},
    },
}


def run() -> list[tuple[str, str, str]]:
    """One row a stage: how many times as fast as serial, by the clock, best of the rounds."""
    rows = []
    before_training = stage_names(ROOT)[: stage_names(ROOT).index("train")]
    with (
        tempfile.TemporaryDirectory() as folder,
        redirect_stdout(sys.stderr),  # stdout is for the table
        dask_cluster(Path(folder) / "cluster", WORKERS) as cluster,
    ):
        engines = {"serial": "serial", "processes": "processes", "Dask": cluster.address}
        for room in before_training:
            params = _params(room)
            idle = room in ("label", "caption") and params.method.name == "none"
            if _spreads(room) and not idle:
                rows.append(_row(room, params, engines, Path(folder)))
            else:
                _stage(room, params, "serial", Path(folder))
    return rows


def _row(room: str, params: Any, engines: dict[str, str], root: Path) -> tuple[str, str, str]:
    seconds: dict[str, float] = {}
    hashes = set()
    for _ in range(ROUNDS):
        for name, engine in engines.items():
            started = time.perf_counter()
            entry = _stage(room, params, engine, root)
            seconds[name] = min(seconds.get(name, float("inf")), time.perf_counter() - started)
            outs = [out for out in entry.outs if "/runs/" not in out]
            hashes.add(tuple(dvc_md5(root / out) for out in outs))
    gains = " and ".join(f"{seconds['serial'] / seconds[name]:.2f}×" for name in ("processes", "Dask"))
    what = f"{room}: {WORKERS} processes and {WORKERS} Dask workers against serial ({seconds['serial']:.0f} s)"
    return what, f"{gains} as fast; bytes {'the same' if len(hashes) == 1 else 'DIFFER'}", "the same bytes"


def _spreads(room: str) -> bool:
    return any("parallel_map" in path.read_text() for path in (ROOT / "tasks" / room).glob("*.py"))


def _params(room: str) -> Any:
    section = yaml.safe_load((ROOT / "params.yaml").read_text())["datasets"]["terrain"][room]
    for name, value in FINER.get(room, {}).items():
        section[name] = {**section[name], **value} if isinstance(value, dict) else value
    return importlib.import_module(f"tasks.{room}.params").Params.model_validate(section)


def _stage(room: str, params: Any, engine: str, root: Path) -> StageEntry:
    """Run one stage in `root`, without MLflow."""
    entry = stage_entry(room, "terrain", ROOT)
    stage = Stage(entry, params, 20, Compute(engine=engine, workers=WORKERS), Run(), root)
    importlib.import_module(f"tasks.{room}.run").run(stage)
    stage.finish()
    return entry
