"""What DVC itself costs: a large tile table and many scenes on disk, and this pipeline with five datasets."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import yaml

from tasks.core.dag import stage_entry, stage_names
from tasks.core.settings import PARAMS
from tests.pipeline.conftest import commit, work_tree

ROWS, SCENES = 100_000, 1_000
DATASETS, REPEATS = 5, 5
TOY = {"ROWS": 60, "SCENES": 3, "DATASETS": 2, "REPEATS": 0}
DAG = """
stages:
  project:
    cmd: "true"
    params: [seed]
    outs: [data/scenes]
  select:
    cmd: "true"
    params: [seed]
    deps: [data/scenes]
    outs: [data/tiles.parquet]
  shard:
    cmd: "true"
    deps: [data/scenes, data/tiles.parquet]
"""


def run() -> list[tuple[str, str, str]]:
    """Seconds of `dvc status` over much data, and of `dvc status` and `dvc repro` where nothing is to be done."""
    with tempfile.TemporaryDirectory() as folder:
        much = _seconds(_much_data(Path(folder) / "much"), "status", "-q")
        five = _five_datasets(Path(folder) / "five")
        status, repro = _seconds(five, "status", "-q"), _seconds(five, "repro", "-q")
    what = f"{DATASETS} datasets, all up to date"
    return [
        (f"`dvc status`, {ROWS:,} tile rows and {SCENES:,} scenes", much, "≤ 3 s"),
        (f"`dvc status`, {what}", status, "≤ 1 s"),
        (f"`dvc repro`, {what}", repro, "≤ 3 s"),
    ]


def _seconds(root: Path, *arguments: str) -> str:
    """Medians over the repeats, after one to warm up: by the clock, and of processor."""
    clock, processor = [], []
    for _ in range(REPEATS + 1):
        started, before = time.perf_counter(), os.times()
        subprocess.run(["dvc", *arguments], cwd=root, check=True)
        clock.append(time.perf_counter() - started)
        after = os.times()
        processor.append(sum(after[2:4]) - sum(before[2:4]))
    clock, processor = (values[-REPEATS:] for values in (clock, processor))  # without repeats: the first
    return f"{np.median(clock):.2f} s ({np.median(processor):.2f} s of processor)"


def _much_data(root: Path) -> Path:
    (root / "data" / "scenes").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(SCENES):
        (root / "data" / "scenes" / f"scene{number:04}.tif").write_bytes(rng.bytes(20_000))
    table = {f"statistic_{index}": rng.random(ROWS) for index in range(25)}
    table["key"] = [f"scene{row % SCENES:04}/{row // SCENES:06}" for row in range(ROWS)]
    points = gpd.points_from_xy(rng.uniform(-180, 180, ROWS), rng.uniform(-80, 80, ROWS), crs=4326)
    gpd.GeoDataFrame(table, geometry=points).to_parquet(root / "data" / "tiles.parquet")
    (root / "dvc.yaml").write_text(DAG)
    (root / PARAMS).write_text("seed: 0\n")
    for command in (["git", "init", "-q"], ["dvc", "init", "-q"], ["dvc", "commit", "-q", "-f"]):
        subprocess.run(command, cwd=root, check=True)
    return root


def _five_datasets(root: Path) -> Path:
    """This checkout's code and stages, with copies of its datasets up to five; outputs are made up."""
    work_tree(root)
    params = yaml.safe_load((root / PARAMS).read_text())
    own = list(params["datasets"].values())
    params["datasets"] |= {f"more{number}": own[number % len(own)] for number in range(DATASETS - len(own))}
    (root / PARAMS).write_text(yaml.safe_dump(params, sort_keys=False))
    commit(root)
    for dataset in params["datasets"]:
        for out in (out for name in stage_names(root) for out in stage_entry(name, dataset, root).outs):
            (root / out).parent.mkdir(parents=True, exist_ok=True)
            (root / out).write_text(out)
    subprocess.run(["dvc", "commit", "-q", "-f"], cwd=root, check=True)
    return root
