"""The run files of the stages upstream, compared with `dvc.lock`."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tasks.core import yaml12
from tasks.core.dag import stage_entry
from tasks.core.errors import LandloomError
from tasks.core.hashing import file_md5

LOCK = "dvc.lock"
SIDE = ("/pictures/", "/metrics/", "/plots/")


@dataclass(frozen=True)
class RunFile:
    """One run file.

    Attributes:
        path: its path, `data/terrain/runs/train.json`. md5: its hash.
        facts: its content, see `tasks.runs.execute`.
    """

    path: str
    md5: str
    facts: dict[str, Any]

    @property
    def key(self) -> str:
        """The stage with its dataset: `train@terrain`."""
        return self.facts["stage"]

    @property
    def stage(self) -> str:
        """The name of the stage: `train`."""
        return self.key.split("@")[0]

    @property
    def main(self) -> dict[str, str]:
        """The outputs that later stages read, path → hash, without pictures and figures."""
        return {path: md5 for path, md5 in self.facts["outs"].items() if not any(side in path for side in SIDE)}

    def output(self, name: str) -> tuple[str, str]:
        """Return (path, hash) of the output of this name, such as `model`."""
        return next((path, md5) for path, md5 in self.facts["outs"].items() if path.endswith(f"/{name}"))


def read_runs(dataset: str, root: Path) -> list[RunFile]:
    """The run file of every stage that `register` depends on, in the order of `dvc.yaml`.

    Raises:
        LandloomError: a file is missing or is not a run file; the message names it.
    """
    paths = [dep for dep in stage_entry("register", dataset, root).deps if "/runs/" in dep]
    return [_read(root / path, path) for path in paths]


def _read(path: Path, name: str) -> RunFile:
    again = "run `dvc repro` to make it again"
    try:
        record = json.loads(path.read_text())
    except FileNotFoundError:
        raise LandloomError(f"{name}: missing; {again}") from None
    except ValueError as error:
        raise LandloomError(f"{name}: not valid JSON ({error}); {again}") from None
    missing = {"stage", "run_id", "commit", "dirty", "params", "inputs", "outs"} - set(record)
    if missing:
        raise LandloomError(f"{name}: no run file, it lacks {', '.join(sorted(missing))}; {again}")
    return RunFile(name, file_md5(path), record)


def check_against_lock(files: list[RunFile], root: Path) -> set[str]:
    """Compare the hashes in each run file with `dvc.lock`; return the compared stages.

    DVC locks a stage before it starts the next, so under `dvc repro` every stage upstream is compared.

    Raises:
        LandloomError: hashes differ; the message names the first such stage and path. Or the lock cannot be read.
    """
    locked = _locked([file.key for file in files], root)
    for file in files:
        outs = locked.get(file.key, {})
        for path, digest in sorted(file.facts["outs"].items()):
            if path in outs and outs[path] != digest:
                raise LandloomError(
                    f"{file.key}: its run {file.facts['run_id']} wrote {path} with hash {digest}, but {LOCK} has "
                    f"{outs[path]}: the file was made or edited outside of DVC; run `dvc repro -f -s {file.key}`"
                )
    return set(locked)


def _locked(stages: list[str], root: Path) -> dict[str, dict[str, str]]:
    """Stage → path → hash, for each of `stages` that is in the lock file."""
    locked: dict[str, dict[str, str]] = {}
    for attempt in range(5):
        # DVC rewrites the file in place when a parallel branch ends. So an incomplete file is read again.
        try:
            entries = (yaml12.load((root / LOCK).read_text()) or {}).get("stages", {})
        except FileNotFoundError:
            return {}
        except (yaml.YAMLError, AttributeError) as error:
            if attempt == 4:
                said = " ".join(str(error).split())
                raise LandloomError(f"{LOCK}: not a lock file of DVC (a merge's conflict?): {said}") from None
            entries = {}
        locked = {
            stage: {out["path"]: out["md5"] for out in entries[stage].get("outs", []) if "md5" in out}
            for stage in stages
            if stage in entries
        }
        if len(locked) == len(stages):
            break
        time.sleep(0.2)
    return locked
