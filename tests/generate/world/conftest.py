"""A checkout with a small model, and the model itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.core.artifact import load_model
from tests.generate.test_draw import settle
from tests.generate.world.toys import worded_model


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("world")
    worded_model(root / "data/toy/model")
    return settle(root, ["geotiff"])


@pytest.fixture(scope="module")
def model(checkout):
    return load_model(checkout / "data/toy/model")
