"""What the flipped route is worth: light left in textures with and without it, over seeds, on this checkout's `atlas`.

Trains and evaluates by the real stages, at the checkout's own parameters and on its own `data/atlas/shards`.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import tempfile
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from tasks.core.dag import stage_entry
from tasks.core.run import Run
from tasks.core.settings import ROOT, Compute, load
from tasks.core.stage import Stage
from tasks.evaluate.params import Params as EvaluateParams
from tasks.evaluate.run import run as evaluate
from tasks.train.params import Params as TrainParams
from tasks.train.run import run as train

SEEDS = (1, 2, 3, 4)
SHARDS = ROOT / "data" / "atlas" / "shards"
WORKERS = os.cpu_count()
CHANGES: dict[str, dict[str, Any]] = {"train": {}, "evaluate": {}}  # of the checkout's parameters
TOY = {
    "SEEDS": (1,),
    "WORKERS": 1,
    "CHANGES": {
        "train": {"steps": 2, "batch": 2, "warmup": 1, "log_every": 2, "checkpoint_every": 2, "picture_every": 2}
        | {"method": {"name": "terrain_gan", "generator": {"channels": [8, 8, 4], "hidden": 4, "z": 3}}},
        "evaluate": {"samples": 16, "tiles": 32, "projections": 4, "bootstrap": 2},
    },
}


def run() -> list[tuple[str, str, str]]:
    """Rows of the table."""
    if not SHARDS.is_dir():
        return [("flipped route", "not measured: `make demo` makes data/atlas first", "")]
    cases = list(product(SEEDS, (True, False)))
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(WORKERS, mp_context=spawn) as pool:
        found = dict(zip(cases, pool.map(partial(_leaks, SHARDS, CHANGES), *zip(*cases, strict=True)), strict=True))
    with_it, without = (np.array([found[seed, flipped]["texture"] for seed in SEEDS]) for flipped in (True, False))
    sizes = [np.abs(leaks).mean() for leaks in (with_it, without)]
    real = found[cases[0]]["real"]
    return [
        (
            f"shadow leakage of textures, mean size over {len(SEEDS)} seeds: with the flipped route / without",
            f"{sizes[0] / sizes[1]:.2f}× ({sizes[0]:.3f} against {sizes[1]:.3f}; real maps {real:+.3f})",
            "≤ 0.5×",
        ),
        ("  each seed with it", ", ".join(f"{leak:+.3f}" for leak in with_it), ""),
        ("  each seed without", ", ".join(f"{leak:+.3f}" for leak in without), ""),
    ]


def _leaks(shards: Path, changes: dict[str, dict[str, Any]], seed: int, flipped: bool) -> dict[str, float]:
    """Leakage of texture, shaded and real."""
    sections, compute = load().datasets["atlas"], Compute(engine="serial", workers=1)
    section = sections["train"] | {"threads": 1} | changes["train"]
    section["method"] = section["method"] | {"flipped_route": flipped}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "data" / "atlas").mkdir(parents=True)
        shutil.copy2(ROOT / "params.yaml", root)
        (root / "data" / "atlas" / "shards").symlink_to(shards)
        entries = (stage_entry(name, "atlas", ROOT) for name in ("train", "evaluate"))
        train(Stage(next(entries), TrainParams(**section), seed, compute, Run(), root))
        evaluate(
            Stage(
                next(entries), EvaluateParams(**sections["evaluate"] | changes["evaluate"]), seed, compute, Run(), root
            )
        )
        found = json.loads((root / "data" / "atlas" / "evaluation" / "metrics.json").read_text())
    return {name: facts["leak"] for name, facts in found["details"]["paintings"]["shadow_leakage"].items()}
