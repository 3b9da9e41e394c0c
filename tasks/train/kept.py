"""Where checkpoints are kept: under this checkout, or in a shared folder that outlives the machine."""

from __future__ import annotations

import os
from pathlib import Path

from tasks.core.stage import Stage
from tasks.train.params import Params

SHARED = "LANDLOOM_STATE"
"""A folder (a mounted bucket, a shared disk) in which the next machine finds the checkpoints."""


def folder(stage: Stage[Params]) -> Path:
    """The folder of this training. Its name has the hash of the inputs, so a changed number starts a new training."""
    parts = ("checkpoints", stage.dataset, stage.input_hash())
    shared = os.environ.get(SHARED)
    if not shared:
        return stage.state_dir(*parts)
    path = Path(shared).joinpath(*parts)
    path.mkdir(parents=True, exist_ok=True)
    return path
