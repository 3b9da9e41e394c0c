"""What `dvc.yaml` says of one stage, read without starting DVC (which takes a second a stage)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import yaml

from tasks.core.errors import LandloomError


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
    return _entry(name, stages[name]["do"], dataset)


def upstream(entry: StageEntry, root: Path) -> list[str]:
    """Names of the stages whose outputs `entry` came from, directly or through others, in the order of `dvc.yaml`."""
    stages = yaml.safe_load((root / "dvc.yaml").read_text())["stages"]
    entries = {name: _entry(name, body["do"], entry.dataset) for name, body in stages.items()}
    writers = {out: name for name, other in entries.items() for out in other.outs}
    found: set[str] = set()
    waiting = [entry]
    while waiting:
        for dep in waiting.pop().deps:
            name = next((writers[path] for path in (dep, *map(str, PurePath(dep).parents)) if path in writers), None)
            if name is not None and name not in found:
                found.add(name)
                waiting.append(entries[name])
    return [name for name in entries if name in found]


def _entry(name: str, body: dict[str, Any], dataset: str) -> StageEntry:
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
