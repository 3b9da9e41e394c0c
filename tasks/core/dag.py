"""Stages of `dvc.yaml`, read without starting DVC. Starting DVC takes a second for each stage."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from tasks.core import yaml12
from tasks.core.errors import LandloomError

_OUTS = ("outs", "metrics", "plots")  # DVC caches all three alike and can also show the last two
_ITEM = re.compile(r"\$\{item\.([\w.]+)\}")


@dataclass(frozen=True)
class StageEntry:
    """One stage of one dataset. Paths are relative to the root of the repository, as in `dvc.yaml`."""

    name: str
    dataset: str
    deps: tuple[str, ...]
    params: tuple[str, ...]
    outs: tuple[str, ...]

    @property
    def key(self) -> str:
        return f"{self.name}@{self.dataset}"


def stage_entry(name: str, dataset: str, root: Path) -> StageEntry:
    """Return the entry `name@dataset` of `dvc.yaml`, with `${key}` and `${item.…}` (values of the dataset) replaced.

    Raises:
        LandloomError: `dvc.yaml` has no such stage, or `params.yaml` lacks a value that `dvc.yaml` uses.
    """
    stages = _stages(root)
    if name not in stages:
        raise LandloomError(f"dvc.yaml: there is no stage {name!r}")
    return _entry(name, stages[name]["do"], dataset, root)


def upstream(entry: StageEntry, root: Path) -> list[str]:
    """Return the names of all stages upstream of `entry`, in the order of `dvc.yaml`."""
    entries = {name: _entry(name, body["do"], entry.dataset, root) for name, body in _stages(root).items()}
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


def _stages(root: Path) -> dict[str, Any]:
    return yaml12.load((root / "dvc.yaml").read_text())["stages"]


def _entry(name: str, body: dict[str, Any], dataset: str, root: Path) -> StageEntry:
    items = [(kind, _name(item)) for kind in ("deps", "params", *_OUTS) for item in body.get(kind, [])]
    values: Any = None
    if any("${item." in path for _, path in items):
        values = yaml12.load((root / "params.yaml").read_text())["datasets"][dataset]

    def filled(path: str) -> str:
        return _ITEM.sub(lambda found: str(_lookup(values, found[1], dataset)), path.replace("${key}", dataset))

    def paths(*kinds: str) -> tuple[str, ...]:
        return tuple(filled(path) for kind, path in items if kind in kinds)

    return StageEntry(name, dataset, paths("deps"), paths("params"), paths(*_OUTS))


def _lookup(values: Any, dotted: str, dataset: str) -> Any:
    for part in dotted.split("."):
        if not isinstance(values, dict) or part not in values:
            raise LandloomError(f"params.yaml: datasets.{dataset}.{dotted}: missing, and dvc.yaml needs it")
        values = values[part]
    return values


def stage_names(root: Path) -> list[str]:
    """Return the names of all stages, in the order of `dvc.yaml`."""
    return list(_stages(root))


def _name(item: Any) -> str:
    """Return the path of an entry, which is a path or a mapping from a path to options."""
    return next(iter(item)) if isinstance(item, dict) else item
