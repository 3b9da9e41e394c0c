"""Where the checkpoints lie: under this checkout, or at a shared place that outlives the machine."""

from __future__ import annotations

import os
from pathlib import Path

from tasks.core.stage import Stage
from tasks.train.params import Params

SHARED = "LANDLOOM_STATE"
"""Names a folder (a mounted bucket, a shared disk) in which a replaced machine finds the checkpoints again."""


def folder(stage: Stage[Params]) -> Path:
    """The folder of this very training: the hash of its inputs is in its name, so a changed number starts anew."""
    parts = ("checkpoints", stage.dataset, stage.input_hash())
    shared = os.environ.get(SHARED)
    if not shared:
        return stage.state_dir(*parts)
    path = Path(shared).joinpath(*parts)
    path.mkdir(parents=True, exist_ok=True)
    return path
