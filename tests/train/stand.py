"""A small dataset and the train stage on it, in this process or in a process that a test can kill."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import yaml

from tasks.core.dag import StageEntry
from tasks.core.run import Run
from tasks.core.settings import Compute
from tasks.core.stage import Stage
from tasks.train.params import Params
from tests.models.settings import CONSISTENCY, TERRAIN_GAN
from tests.shard.small import grow, shard

NETWORK = {"channels": 4, "multipliers": [1, 2], "blocks": 1, "attention": [8], "patch": 2, "dropout": 0.1}
PARAMS: dict[str, Any] = {
    "steps": 6,
    "batch": 4,
    "lr": 1e-3,
    "warmup": 2,
    "cooldown": 0.3,
    "clip": 1.0,
    "ema_half_life": 4.0,
    "augment": True,
    "precision": "auto",
    "threads": 1,
    "log_every": 4,
    "checkpoint_every": 2,
    "picture_every": 4,
    "method": {**CONSISTENCY, "network": NETWORK},
}
PAINTING: dict[str, Any] = {"lr": 2e-4, "method": TERRAIN_GAN}
"""Changes of `PARAMS` for a small training of a painter."""
OUTS = ("model", "pictures/train", "plots/train", "metrics/train.json", "runs/train.json")


class FakeRun(Run):
    """Records what a stage reports to its run."""

    def __init__(self) -> None:
        self.said: dict[str, list[float]] = {}

    def metrics(self, values: dict[str, float | int], step: int | None) -> None:
        for name, value in values.items():
            self.said.setdefault(name, []).append(value)

    def timing(self, values: dict[str, float]) -> None:
        self.metrics(values, None)


def dataset(root: Path, **contents: Any) -> Path:
    """Shards of 32 px tiles at `<root>/data/small/shards`; `contents` as `grow` takes them."""
    shard(grow(root / "data" / "small", **contents))
    return root


def stage(root: Path, run: Run | None = None, **changes: Any) -> Stage[Params]:
    """The stage in `root` with some changed parameters."""
    values = {**PARAMS, **changes}
    section = {"datasets": {"small": {"train": values}}, "seed": 3}
    (root / "params.yaml").write_text(yaml.safe_dump(section))
    outs = tuple(f"data/small/{name}" for name in OUTS)
    entry = StageEntry("train", "small", ("data/small/shards",), ("seed", "datasets.small.train"), outs)
    return Stage(entry, Params(**values), 3, Compute(engine="serial", workers=1), run or Run(), root)


def copy(made: Path, to: Path) -> Path:
    """A separate dataset for one test."""
    return Path(shutil.copytree(made, to))


def main() -> None:
    """`python -m tests.train.stand ROOT [key=value …]`: run the stage to its end (JSON values)."""
    import json

    from accelerate import PartialState

    from tasks.train.run import run

    changes = {key: json.loads(value) for key, value in (item.split("=") for item in sys.argv[2:])}
    here = stage(Path(sys.argv[1]), **changes)
    run(here)
    state = PartialState()
    print(f"process {state.process_index} of {state.num_processes}", flush=True)
    if os.environ.get("RANK", "0") == "0":
        print(f"outs {json.dumps(here.finish())}", flush=True)


if __name__ == "__main__":
    main()
