"""The folder of the checkpoints: in this checkout, or in a shared folder that remains after the machine is gone."""

from __future__ import annotations

from pathlib import Path

from tasks.core.stage import Stage
from tasks.train.params import Params


def folder(stage: Stage[Params]) -> Path:
    """The folder of this training. Its name has the hash of the inputs: a changed parameter starts a new training."""
    return stage.kept_dir("checkpoints", stage.dataset, stage.input_hash())
