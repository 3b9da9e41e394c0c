"""Training at the parameters of params.yaml: the share of time spent waiting for data, and steps a second."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tasks.core.settings import read, rooms
from tasks.formats.shards.shardset import ShardSet
from tests.shard.small import grow, shard

STEPS = 30
SCENES = 8
TOY = {"STEPS": 2, "SCENES": 2}


def run() -> list[tuple[str, str, str]]:
    """Rows of the table."""
    from tasks.train.run import run as train
    from tests.train.stand import FakeRun, stage

    sections = rooms(read()["datasets"], "terrain")
    section = sections["train"].model_dump()
    every = {"checkpoint_every": STEPS, "picture_every": STEPS, "log_every": STEPS}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        px = sections["shard"].px
        shards = ShardSet(shard(grow(root / "data" / "small", scenes=SCENES, px=px), px=px))
        said = FakeRun()
        train(stage(root, said, **{**section, "steps": STEPS, **every}))
    share, speed = said.said["waiting_share"][-1], said.said["steps_per_second"][-1]
    what = f"{px} px, batch {section['batch']}, {section['threads']} threads, {len(shards)} tiles"
    return [
        (f"share of training spent waiting for data ({what})", f"{100 * share:.2f} %", "≤ 2 %"),
        (f"training steps a second ({what})", f"{speed:.2f}", ""),
    ]
