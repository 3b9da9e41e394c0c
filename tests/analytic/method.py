"""Puts the method `analytic` among the methods, and writes finished models of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import models
from models.core.artifact import build_method, save_model

FOLDER = str(Path(__file__).parent / "models")


def analytic_method() -> Iterator[None]:
    """A fixture: the method exists while the tests of a module run."""
    before = list(models.__path__)
    models.__path__ = [*before, FOLDER]
    yield
    models.__path__ = before


def write_model(folder: Path, px: int = 32, gsd: float = 90.0, **method: Any) -> Path:
    """A finished model of `analytic`."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {"method": {"name": "analytic", **method}, "px": px, "gsd": gsd}
    save_model(folder, config, build_method(config, 0.0).networks)
    return folder
