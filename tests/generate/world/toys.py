"""A small real model of `consistency` with words and coarse heights, untrained."""

from __future__ import annotations

from pathlib import Path

import torch

from models.core.artifact import save_model
from tests.models.consistency.worded import made


def worded_model(folder: Path) -> Path:
    """Write the model into a new folder; return it."""
    method, _, _, config = made()
    folder.mkdir(parents=True)
    save_model(folder, config, torch.nn.ModuleDict({name: method.networks[name] for name in method.ema}))
    return folder
