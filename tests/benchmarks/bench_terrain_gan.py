"""Training and painting with `terrain_gan` at the parameters of the dataset `atlas`."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np

from models.core.artifact import load_model
from tasks.core.settings import read, rooms
from tests.shard.small import grow, shard

STEPS = 20
SIDE = 512
TOY = {"STEPS": 1, "SIDE": 64}


def run() -> list[tuple[str, str, str]]:
    """Rows of the table."""
    from tasks.train.run import run as train
    from tests.train.stand import FakeRun, stage

    sections = rooms(read()["datasets"], "atlas")
    section, px = sections["train"].model_dump(), sections["shard"].px
    every = {"checkpoint_every": STEPS, "picture_every": STEPS, "log_every": STEPS}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        data = root / "data" / "small"
        shard(grow(data, ("height", "color"), scenes=4, px=px, classes=7), px=px)
        said = FakeRun()
        train(stage(root, said, **{**section, "steps": STEPS, **every}))
        painter = load_model(data / "model", "cpu")
    drawing = np.random.default_rng(0).integers(0, 7, (1, SIDE // 64, SIDE // 64), np.uint8)
    drawing = drawing.repeat(64, axis=1).repeat(64, axis=2)
    painter.paint(drawing, seed=0)
    began = time.perf_counter()
    painter.paint(drawing, seed=1)
    seconds = time.perf_counter() - began
    what = f"{px} px, batch {section['batch']}, {section['threads']} threads"
    return [
        (f"terrain_gan: training steps a second ({what})", f"{said.said['steps_per_second'][-1]:.2f}", ""),
        (f"terrain_gan: seconds to paint a map of {SIDE}² ({section['threads']} threads)", f"{seconds:.2f}", ""),
    ]
