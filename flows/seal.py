"""Seal the runs: commit `dvc.lock` alone, and stamp the commit on every run whose outputs it holds.

    python -m flows.seal

A run is recorded before DVC locks its outputs, so its own commit cannot contain their hashes. The sealed commit has
code, parameters and the hash of every output, and the runs name that commit.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from pathlib import Path
from typing import Any

from flows.history.runs import Runs
from flows.outside.git import git, has_commit
from tasks.core import yaml12
from tasks.core.command import told
from tasks.core.errors import LandloomError
from tasks.core.hashing import dvc_md5, file_md5
from tasks.core.settings import ROOT
from tasks.runs.found import run_of
from tasks.runs.provenance import git_state
from tasks.runs.tracking import warn_away

LOCK = "dvc.lock"
TAG = "git.commit.sealed"
TITLE = "Seal dvc.lock"


def seal(root: Path) -> str:
    """Commit `dvc.lock` and stamp the runs; returns the commit that holds the lock.

    A committed lock is not committed again, and a sealed run keeps its stamp. A run gets the stamp only if the lock
    has its outputs and the commit has its code. If MLflow is unreachable, the commit is made with a warning, and a
    second `seal` stamps the runs.

    Raises:
        LandloomError: there is nothing to seal, or code differs from the commit.
    """
    if not (root / LOCK).exists():
        raise LandloomError(f"{LOCK}: there is none; run `dvc repro` first")
    commit, patch = git_state(root)
    if commit is None or patch is None:
        raise LandloomError("git cannot name the commit that is checked out here, so there is nothing to seal to")
    if patch:
        raise LandloomError(
            f"{', '.join(_changed(root)[:5])}: changed since the last commit; commit or undo it first, because a "
            "sealed commit must contain the code that ran"
        )
    entries = (yaml12.load((root / LOCK).read_text()) or {}).get("stages", {})
    records = [record for record in _records(root) if _fits(record, entries, root)]
    if git(root, "status", "--porcelain", "--untracked-files=all", "--", LOCK).strip():
        commit = _commit(root, _message(records))
    _stamp(root, records, commit)
    return commit


def _records(root: Path) -> list[dict[str, Any]]:
    """Every run file under `data/`, with its own path and hash."""
    found = []
    for path in sorted(root.glob("data/*/runs/*.json")):
        try:
            facts = json.loads(path.read_text())
        except ValueError as error:
            raise LandloomError(f"{path.relative_to(root)}: not valid JSON ({error}); run `dvc checkout`") from None
        found.append({**facts, "path": path.relative_to(root).as_posix(), "md5": file_md5(path)})
    return found


def _fits(record: dict[str, Any], entries: dict[str, Any], root: Path) -> bool:
    """Whether the lock has the run's outputs and the checkout has the run's code."""
    locked = {out["path"]: out.get("md5") for out in entries.get(record["stage"], {}).get("outs", [])}
    if locked != {**record["outs"], record["path"]: record["md5"]}:
        return False
    code = {path: digest for path, digest in record["inputs"].items() if not path.startswith("data/")}
    return all((root / path).exists() and dvc_md5(root / path) == digest for path, digest in code.items())


def _message(records: list[dict[str, Any]]) -> str:
    lines = [f"{record['stage']} {record['run_id'] or 'not in MLflow'}" for record in records]
    return "\n".join([TITLE, "", f"Runs whose outputs it holds: {len(records)}", "", *sorted(lines)]) + "\n"


def _commit(root: Path, message: str) -> str:
    """Commit only the lock file, whatever else is staged."""
    who: list[str] = []
    if subprocess.run(["git", "var", "GIT_COMMITTER_IDENT"], cwd=root, capture_output=True).returncode != 0:
        who = ["-c", "user.name=Landloom", "-c", "user.email=landloom@localhost"]
    git(root, "add", "--", LOCK)
    git(root, *who, "commit", "--quiet", "--only", "--file", "-", "--", LOCK, stdin=message.encode())
    return git(root, "rev-parse", "HEAD").strip()


def _stamp(root: Path, records: list[dict[str, Any]], commit: str) -> None:
    try:
        client = Runs(root).client if records else None
        for record in records:
            run = run_of(client, record, record["path"], record["md5"], exact=True)
            before = run.data.tags.get(TAG) if run is not None else None
            if run is not None and (before is None or not has_commit(root, before)):
                client.set_tag(run.info.run_id, TAG, commit)
    except Exception as error:  # noqa: BLE001 - no error of the tracking may undo the commit
        warn_away(error, f"no run says that {commit[:10]} holds its outputs until `python -m flows.seal` runs again")


def _changed(root: Path) -> list[str]:
    tracked = git(root, "diff", "--name-only", "HEAD", "--", ".", f":(exclude){LOCK}").split("\n")
    new = git(root, "ls-files", "--others", "--exclude-standard", "--", "*.py").split("\n")
    return [name for name in (*tracked, *new) if name]


def main() -> None:
    """The command line."""
    argparse.ArgumentParser(prog="python -m flows.seal", description=__doc__.splitlines()[0]).parse_args()
    with told():
        print(f"sealed: {seal(ROOT)}")


if __name__ == "__main__":
    main()
