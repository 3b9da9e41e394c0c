"""The folder of the checkpoints: in this checkout, or in a shared folder that remains after the machine is gone."""

from __future__ import annotations

import os
from pathlib import Path

from tasks.core.stage import Stage
from tasks.train.params import Params

SHARED = "LANDLOOM_STATE"
"""Environment variable: a folder (a mounted bucket, a shared disk) that keeps checkpoints for the next machine."""


def folder(stage: Stage[Params]) -> Path:
    """The folder of this training. Its name has the hash of the inputs: a changed parameter starts a new training."""
    parts = ("checkpoints", stage.dataset, stage.input_hash())
    shared = os.environ.get(SHARED)
    if not shared:
        return stage.state_dir(*parts)
    path = Path(shared).joinpath(*parts)
    path.mkdir(parents=True, exist_ok=True)
    return path
