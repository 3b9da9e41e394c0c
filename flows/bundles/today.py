"""Comparison of results with the inputs of this checkout and with their run files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from flows.bundles.archive import sha256
from flows.bundles.contents import inside, parameters
from tasks.core import yaml12
from tasks.core.dag import StageEntry, stage_entry, stage_names
from tasks.core.errors import LandloomError
from tasks.core.hashing import dvc_md5
from tasks.runs.titles import flatten


def differences(stages: list[dict[str, Any]], manifest: dict[str, Any], root: Path) -> list[str]:
    """Return one line for each difference between the inputs of `stages` and this checkout: parameters, files, data."""
    made = {out for stage in stages for out in stage["outs"]}
    found: list[str] = []
    for stage in stages:
        entry = _entry(stage["name"], root)
        odd = sorted(set(entry.deps) ^ (set(stage["inputs"]) | made & set(entry.deps)))
        odd += sorted(set(entry.outs) ^ set(stage["outs"]))
        found += [f"dvc.yaml: {entry.key}: {path} is named by only one side" for path in odd]
        found += _parameters(stage["params"], parameters(entry, root))
        for dep, digest in stage["inputs"].items():
            if dep not in odd and digest != (now := _today(dep, root)):
                found += _files(dep, manifest["files"], root) or [f"{dep}: {digest} there, {now} here"]
    return list(dict.fromkeys(found))


def _entry(name: str, root: Path) -> StageEntry:
    room, _, dataset = name.partition("@")
    known = yaml12.load((root / "params.yaml").read_text())["datasets"]
    if room not in stage_names(root) or dataset not in known:
        raise LandloomError(f"these are results of {name}, and this checkout has no such stage")
    return stage_entry(room, dataset, root)


def _parameters(there: dict[str, Any], here: dict[str, Any]) -> list[str]:
    old, new = flatten(there), flatten(here)
    names = sorted(set(old) | set(new))
    return [
        f"params.yaml: {name}: {old.get(name, 'absent')} there, {new.get(name, 'absent')} here"
        for name in names
        if old.get(name, ...) != new.get(name, ...)
    ]


def _today(dep: str, root: Path) -> str | None:
    """Return DVC's hash of an input in this checkout, or its hash in `dvc.lock` if it is not fetched; else None."""
    if (root / dep).exists():
        return dvc_md5(root / dep)
    lock = root / "dvc.lock"
    stages = (yaml12.load(lock.read_text()) or {}).get("stages", {}) if lock.exists() else {}
    outs = {out["path"]: out["md5"] for stage in stages.values() for out in stage.get("outs", []) if "md5" in out}
    return outs.get(dep)


def _files(dep: str, there: dict[str, list[Any]], root: Path) -> list[str]:
    """Return one line for each file of an input that differs."""
    here = inside(root / dep, root)
    names = {name for name in there if name == dep or name.startswith(f"{dep}/")} | set(here)
    same = {name for name in names if name in there and name in here and sha256(here[name]) == there[name][1]}
    words = {(True, False): "was there, is not here", (False, True): "is here, was not there"}
    return [f"{name}: {words.get((name in there, name in here), 'differs')}" for name in sorted(names - same)]


def check_records(stages: list[dict[str, Any]], folder: Path) -> None:
    """Raise LandloomError if the hashes in a run file differ from those of the outputs or inputs."""
    made: dict[str, str] = {}
    for stage in stages:
        name = stage["name"]
        room, dataset = name.split("@")
        path = f"data/{dataset}/runs/{room}.json"
        try:
            record = json.loads((folder / path).read_text())
        except (OSError, ValueError) as error:
            raise LandloomError(f"results: {path}: not a run file: {error}") from None
        outs = {out: dvc_md5(folder / out) for out in stage["outs"] if out != path and (folder / out).exists()}
        # Inputs that the bundle does not hold are outputs of its earlier stages.
        inputs = stage["inputs"] | {dep: made[dep] for dep in record["inputs"] if dep in made}
        for what, said, found in (("inputs", record["inputs"], inputs), ("outs", record["outs"], outs)):
            odd = sorted(key for key in set(said) | set(found) if said.get(key) != found.get(key))
            if odd:
                raise LandloomError(f"results: {name}: its run file states other {what}: {', '.join(odd)}")
        made |= outs
