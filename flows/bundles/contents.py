"""Contents of a bundle: code, inputs and parameters of its stages, and the origin of the code."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.bundles.imports import reach, strangers
from flows.bundles.layout import BUNDLE_FORMAT, ORIGIN
from flows.stages.graph import chosen, read_plan
from tasks.core import yaml12
from tasks.core.dag import StageEntry, stage_entry, stage_names
from tasks.core.errors import LandloomError
from tasks.core.hashing import dvc_md5
from tasks.core.settings import PARAMS
from tasks.runs.parameters import load
from tasks.runs.provenance import LOCK, git_state
from tasks.runs.titles import committed_text

SHARED = ("tasks/core", "tasks/compute", "tasks/formats", "tasks/relief", "models/core")
"""Folders of which a stage uses only some modules. A stage uses all modules of its other dependencies."""

MACHINES = ("infra/scales", "infra/accelerate", "infra/slurm", "infra/gpu")
BESIDE = ("dvc.yaml", "dvc.lock", PARAMS, LOCK, *MACHINES)
FAR = "flows/bundles/far.py"
"""The program that `run.py` calls. Like all of flows, it must not import a third-party package on the target."""
RUN = '''#!/usr/bin/env python3
"""Run the stages of this bundle: `python3 run.py --help` says how."""
import sys
from pathlib import Path

if sys.version_info < (3, 11):
    sys.exit("refused: Python 3.11 or newer is needed, and this is " + sys.version.split()[0])
root = Path(__file__).resolve().parent
sys.path.insert(0, str(root))
from flows.bundles.far import main  # noqa: E402

main(root)
'''


@dataclass(frozen=True)
class Contents:
    """The contents of a bundle before it is written.

    Attributes:
        files: from archive name to file.
        texts: from archive name to bytes that are not in a file.
        manifest: the card, without the list of files.
        outside: files outside the checkout that parameters name; the target must have them at the same path.
    """

    files: dict[str, Path]
    texts: dict[str, bytes]
    manifest: dict[str, Any]
    outside: list[str]


def contents(stages: Sequence[str], root: Path, also: Sequence[str] = ()) -> Contents:
    """Collect the contents of a bundle of `stages`.

    Args:
        also: more files and folders to include, such as a program that uses the stages.

    Raises:
        LandloomError: the stages cannot form one bundle, or an upstream stage must run first.
    """
    entries = _entries(stages, root)
    load(root, entries[0].dataset)  # validates all sections; the target validates only those of the stages
    made = {out for entry in entries for out in entry.outs}
    files: dict[str, Path] = {}
    described = []
    for entry in entries:
        inputs = {}
        for dep in entry.deps:
            if dep not in made:
                files |= inside(root / dep, root)
                inputs[dep] = dvc_md5(root / dep)
        values = parameters(entry, root)
        described.append({"name": entry.key, "inputs": inputs, "params": values, "outs": list(entry.outs)})
    carried, outside = _named_by_parameters(described, root)
    always = reach([*(root / "tasks" / "runs").glob("*.py"), root / FAR], root)
    # The run also records parameters of upstream rooms, so their parameter models are needed.
    models = reach([path for package in ("tasks", "models") for path in (root / package).rglob("params.py")], root)
    files |= {path.relative_to(root).as_posix(): path for path in always | models} | carried
    for name in BESIDE:
        files |= inside(root / name, root)
    for name in also:
        if not (root / name).resolve().is_relative_to(root.resolve()) or not (found := inside(root / name, root)):
            raise LandloomError(f"--also {name}: no such file or folder in the checkout")
        files |= found
    commit, patch = git_state(root)
    origin = {"commit": commit, "patch": patch, "params": committed_text(root)}
    own = [*also, *(dep for entry in entries for dep in entry.deps if not dep.startswith(("data/", *SHARED)))]
    used = reach([path for dep in own for path in inside(root / dep, root).values() if path.suffix == ".py"], root)
    files |= {path.relative_to(root).as_posix(): path for path in used}
    names = {str(each.get("name")) for each in _mappings([each["params"] for each in described])}
    manifest = {
        "format": BUNDLE_FORMAT,
        "commit": commit,
        "stages": described,
        "modules": sorted(strangers(used | always, root, names)),
    }
    texts = {ORIGIN: json.dumps(origin, indent=1, sort_keys=True).encode(), "run.py": RUN.encode()}
    return Contents(dict(sorted(files.items())), texts, manifest, outside)


def parameters(entry: StageEntry, root: Path) -> dict[str, Any]:
    """Return the values of `params.yaml` on which the stage depends, by dotted name."""
    values: Any = yaml12.load((root / PARAMS).read_text())

    def find(dotted: str) -> Any:
        found = values
        for part in dotted.split("."):
            found = found[part]
        return found

    return {name: find(name) for name in entry.params}


def _entries(stages: Sequence[str], root: Path) -> list[StageEntry]:
    """Check that the stages can form a bundle; return them in the order of `dvc.yaml`."""
    plan = read_plan(root)
    unknown = [stage for stage in stages if stage not in plan.graph]
    if unknown:
        raise LandloomError(f"there is no stage {unknown[0]!r}; there are {', '.join(sorted(plan.graph))}")
    datasets = sorted({stage.split("@")[1] for stage in stages})
    if len(datasets) > 1:
        raise LandloomError(f"a bundle holds stages of one dataset, not of {', '.join(datasets)}; make one for each")
    rooms = [stage.split("@")[0] for stage in stages]
    if "register" in rooms:
        raise LandloomError("register talks to MLflow and runs here; leave it out of the bundle")
    before = set(chosen(plan.graph, stages)) - set(stages)
    stale = sorted(before - plan.unchanged)
    if stale:
        raise LandloomError(f"{', '.join(stale)} must run first: `dvc repro {' '.join(stale)}`, then run this again")
    between = [stage for stage in sorted(before) if set(chosen(plan.graph, [stage])) & set(stages)]
    if between:
        raise LandloomError(f"{between[0]} is between the stages of the bundle; name it too")
    order = stage_names(root)
    return [stage_entry(room, datasets[0], root) for room in sorted(set(rooms), key=order.index)]


def inside(path: Path, root: Path) -> dict[str, Path]:
    """Return all files under `path` that DVC hashes, from archive name to file."""
    if not path.exists():
        return {}
    found = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    names = {each.relative_to(root): each for each in found}
    return {name.as_posix(): each for name, each in names.items() if _counted(name)}


def _counted(name: Path) -> bool:
    return "__pycache__" not in name.parts and name.suffix != ".pyc"


def _named_by_parameters(stages: list[dict[str, Any]], root: Path) -> tuple[dict[str, Path], list[str]]:
    """Find files that parameters name as {path, sha256}; return those in the checkout and the paths of the others."""
    carried, outside = {}, []
    for value in _mappings([stage["params"] for stage in stages]):
        if "path" in value and "sha256" in value and value["path"]:
            path = root / value["path"]
            if path.resolve().is_relative_to(root.resolve()) and not Path(value["path"]).is_absolute():
                carried |= inside(path, root)
            else:
                outside.append(str(value["path"]))
    return carried, sorted(outside)


def _mappings(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from _mappings(inner)
