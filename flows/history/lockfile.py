"""Write a `dvc.lock` for a set of runs, and compare an existing one with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from flows.history.findings import DIFFERENT, MISSING, SAME, Finding
from flows.history.parameters import departures
from flows.history.runs import Recorded, Runs
from tasks.core import yaml12
from tasks.core.dag import stage_entry
from tasks.core.hashing import file_md5


def entries(chain: list[Recorded], tree: Path) -> str:
    """The lock file that these runs leave behind, for the `dvc.yaml` and `params.yaml` in `tree`."""
    params = yaml12.load((tree / "params.yaml").read_text())
    stages = {}
    for run in chain:
        name, dataset = run.stage.split("@")
        values = {key: _lookup(params, key) for key in stage_entry(name, dataset, tree).params}
        stages[run.stage] = {
            "cmd": _command(run, tree),
            "deps": _hashes(run.inputs),
            "params": {"params.yaml": values},
            "outs": _hashes(run.outputs),
        }
    return yaml.safe_dump({"schema": "2.0", "stages": stages}, sort_keys=False)


def check(
    text: str, where: str, runs: Runs, chain: list[Recorded], tree: Path, sealed: Recorded | None = None
) -> list[Finding]:
    """Compare a lock file with runs: entries of these runs must match them; entries of other runs are ignored.

    An entry belongs to a run if it has the hash of the run's run file. It also belongs to the run if at most two
    values differ and no other run is known to have written the run file that the entry has. The run for which the
    lock was `sealed` must have an entry.
    """
    stages = _stages(text)
    if stages is None:
        return [Finding("checkout", where, DIFFERENT, "it is not a lock file")]
    findings, absent = [], []
    for run in chain:
        if run is not sealed and run.record not in run.outputs:
            continue  # a run of an older database: no entry can be matched with it
        wrong = _departures(stages.get(run.stage), run, tree)
        if wrong is None:
            absent.append(run)
        elif run is sealed or _is_own(stages[run.stage], run, wrong, runs):
            findings.append(_finding(run, where, wrong))
    return findings + [_finding(run, where, None) for run in absent if findings or run is sealed]


def _is_own(entry: Any, run: Recorded, wrong: list[str], runs: Runs) -> bool:
    named = _locked(entry, "outs").get(run.record)
    if named == run.outputs[run.record]:
        return True
    return len(wrong) <= 2 and not (named and runs.writers(run.record, named))


def _finding(run: Recorded, where: str, wrong: list[str] | None) -> Finding:
    if wrong is None:
        return Finding(run.stage, where, MISSING, "it has no entry for this stage")
    if wrong:
        return Finding(run.stage, where, DIFFERENT, "; ".join(wrong[:3]))
    return Finding(run.stage, where, SAME)


def _departures(entry: Any, run: Recorded, tree: Path) -> list[str] | None:
    """How the entry differs from the run's record and from the files in `tree`, in words; None without an entry."""
    if not isinstance(entry, dict):
        return None
    wrong = []
    if entry.get("cmd") != _command(run, tree):
        wrong.append(f"cmd is {entry.get('cmd')!r}")
    for kind, recorded in (("deps", run.inputs), ("outs", run.outputs)):
        locked = _locked(entry, kind)
        paths = recorded if kind == "outs" or run.run_id else {}
        for path in sorted(paths.keys() | locked.keys()):
            if path == run.record and path not in recorded:
                continue  # an older run did not record the hash of its run file
            if locked.get(path) != recorded.get(path):
                wrong.append(f"{path} is {locked.get(path)}, the run recorded {recorded.get(path)}")
        for item in entry.get(kind, []):
            wrong += _sizes(item, recorded, tree)
    return wrong + _params(entry, run)


def _sizes(item: dict[str, Any], recorded: dict[str, str], tree: Path) -> list[str]:
    """Differences of size and number of files, checked where the files are here and have the recorded hash."""
    path = tree / str(item.get("path"))
    if recorded.get(str(item.get("path"))) != item.get("md5") or not path.exists():
        return []
    files = [path] if path.is_file() else [f for f in path.rglob("*") if f.is_file() and "__pycache__" not in f.parts]
    if path.is_file() and file_md5(path) != item.get("md5"):
        return []
    here = {"size": sum(file.stat().st_size for file in files), "nfiles": len(files)}
    return [
        f"{item['path']}: {name} is {item[name]}, the files have {here[name]}"
        for name in here
        if item.get(name, here[name]) != here[name]
    ]


def _params(entry: dict[str, Any], run: Recorded) -> list[str]:
    """Differences between the parameters in the lock and those of the run."""
    name, dataset = run.stage.split("@")
    values = (entry.get("params") or {}).get("params.yaml") or {}
    wrong = departures(values.get(f"datasets.{dataset}.{name}"), values.get("seed"), run)
    return [f"{key} is {locked}, the run recorded {recorded}" for key, (locked, recorded) in wrong.items()]


def _stages(text: str) -> dict[str, Any] | None:
    """The entries by stage, or None where the text is not a lock file of DVC 3."""
    try:
        found = yaml12.load(text)
        return dict(found["stages"]) if found["schema"] == "2.0" else None
    except (yaml.YAMLError, TypeError, KeyError, ValueError):
        return None


def _locked(entry: Any, kind: str) -> dict[str, str]:
    items = entry.get(kind, []) if isinstance(entry, dict) else []
    return {item["path"]: item.get("md5") for item in items if isinstance(item, dict) and "path" in item}


def _hashes(items: dict[str, str]) -> list[dict[str, str]]:
    return [{"path": path, "hash": "md5", "md5": digest} for path, digest in sorted(items.items())]


def _command(run: Recorded, tree: Path) -> str:
    name, dataset = run.stage.split("@")
    return yaml12.load((tree / "dvc.yaml").read_text())["stages"][name]["do"]["cmd"].replace("${key}", dataset)


def _lookup(values: Any, dotted: str) -> Any:
    for part in dotted.split("."):
        values = values.get(part) if isinstance(values, dict) else None
    return values
