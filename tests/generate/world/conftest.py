"""A small real model of `consistency` with words and coarse heights, untrained."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from models.core.artifact import load_model, save_model
from tests.generate.test_draw import settle
from tests.models.consistency.worded import made


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("world")
    method, _, _, config = made()
    folder = root / "data/toy/model"
    folder.mkdir(parents=True)
    save_model(folder, config, torch.nn.ModuleDict({name: method.networks[name] for name in method.ema}))
    return settle(root, ["geotiff"])


@pytest.fixture(scope="module")
def model(checkout):
    return load_model(checkout / "data/toy/model")
