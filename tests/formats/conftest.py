"""Small shard sets, written once by the real stage."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.shard.small import grow, shard


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> dict[str, Path]:
    """Folders of shards by name; for reading only."""
    root = tmp_path_factory.mktemp("sets")
    pair = grow(root / "data" / "pair", layers=("height", "color"), classes=3)
    encoded = shutil.move(shard(pair, encoding="png16"), root / "encoded")
    return {"raw": shard(grow(root / "data" / "raw")), "encoded": Path(encoded), "raw_pair": shard(pair)}


@pytest.fixture(params=["raw", "encoded"])
def copy(request, made, tmp_path) -> Path:
    """A copy of a set that a test can damage: raw heights, or encoded heights, colour and classes."""
    return Path(shutil.copytree(made[request.param], tmp_path / "shards"))
