"""What `dvc.yaml` says of one stage, read without starting DVC (which takes a second a stage)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tasks.errors import LandloomError


@dataclass(frozen=True)
class StageEntry:
    """One stage instance: its paths are relative to the repository's root, as DVC names them."""

    name: str
    dataset: str
    deps: tuple[str, ...]
    params: tuple[str, ...]
    outs: tuple[str, ...]

    @property
    def key(self) -> str:
        return f"{self.name}@{self.dataset}"


def stage_entry(name: str, dataset: str, root: Path) -> StageEntry:
    """The entry `name@dataset` of `dvc.yaml`, with `${key}` filled in."""
    stages = yaml.safe_load((root / "dvc.yaml").read_text())["stages"]
    if name not in stages:
        raise LandloomError(f"dvc.yaml: there is no stage {name!r}")
    body = stages[name]["do"]

    def paths(*kinds: str) -> tuple[str, ...]:
        items = [item for kind in kinds for item in body.get(kind, [])]
        return tuple(_name(item).replace("${key}", dataset) for item in items)

    return StageEntry(name, dataset, paths("deps"), paths("params"), paths("outs", "metrics", "plots"))


def stage_names(root: Path) -> list[str]:
    """Every stage of `dvc.yaml`, in the order in which it is written there."""
    return list(yaml.safe_load((root / "dvc.yaml").read_text())["stages"])


def _name(item: Any) -> str:
    """An entry is a path, or a mapping from the path to its options."""
    return next(iter(item)) if isinstance(item, dict) else item
