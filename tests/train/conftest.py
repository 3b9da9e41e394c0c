"""One small dataset for all tests of training."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.train.stand import dataset


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> Path:
    """A root with shards; copy it before training in it."""
    return dataset(tmp_path_factory.mktemp("train"))


@pytest.fixture(scope="session")
def painted_root(tmp_path_factory) -> Path:
    """A root with shards of heights, colours and labels; copy it before training in it."""
    return dataset(tmp_path_factory.mktemp("painted"), layers=("height", "color"), classes=3)
