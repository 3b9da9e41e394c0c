"""Bring the code and parameters of a run into a worktree, and check them against the record."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from flows.history.findings import DIFFERENT, NOTE, SAME, Finding, compared
from flows.history.parameters import departures
from flows.history.runs import Recorded
from flows.history.worktree import Worktree
from flows.outside.git import git
from tasks.core import yaml12
from tasks.core.errors import LandloomError
from tasks.core.hashing import dvc_md5, file_sha256
from tasks.runs.provenance import LOCK


def settle(run: Recorded, tree: Worktree) -> list[Finding]:
    """Bring the code of `run` into the worktree; returns the differences that stay.

    Code that is the run's already stays. Otherwise the worktree moves to the run's own commit. Most upstream runs
    were made at other commits with the same code.
    """
    found = list(_held(run, tree))
    if all(finding.good for finding in found):
        return found
    before = tree.place
    try:
        tree.stand(run)
    except LandloomError as error:  # the commit cannot be found: report the differences, with the reason
        return [*found, Finding(run.stage, "its own commit", NOTE, str(error))]
    return found if tree.place == before else list(_held(run, tree))


def code(chain: list[Recorded], tree: Worktree) -> list[Finding]:
    """Findings about the code and the parameters of every run, and the lock file of the last one."""
    findings: list[Finding] = []
    for run in reversed(chain):
        findings = settle(run, tree) + findings
    tree.stand(chain[-1])
    lock = tree.path / LOCK
    here = file_sha256(lock) if lock.exists() else None
    if chain[-1].lock_sha256:
        findings.append(compared(chain[-1].stage, LOCK, chain[-1].lock_sha256, here))
    return findings


def _held(run: Recorded, tree: Worktree) -> Iterator[Finding]:
    for path, digest in run.code_inputs.items():
        here = dvc_md5(tree.path / path) if (tree.path / path).exists() else None
        detail = "" if here in (None, digest) else _inside(tree.root / path, tree.path / path, digest)
        yield compared(run.stage, path, digest, here, detail)
    if len(run.params) > 1:
        yield _params(run, yaml12.load((tree.path / "params.yaml").read_text()))


def _inside(ours: Path, theirs: Path, digest: str) -> str:
    """The files of a folder of code that differ; empty unless this checkout still has the recorded folder."""
    if not ours.is_dir() or dvc_md5(ours) != digest:
        return ""
    names = {
        file.relative_to(top)
        for top in (ours, theirs)
        for file in top.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    departs = [
        name.as_posix()
        for name in sorted(names)
        if not ((ours / name).is_file() and (theirs / name).is_file())
        or (ours / name).read_bytes() != (theirs / name).read_bytes()
    ]
    return f": {', '.join(departs[:3])}"


def _params(run: Recorded, params: dict) -> Finding:
    name, dataset = run.stage.split("@")
    wrong = departures(params.get("datasets", {}).get(dataset, {}).get(name), params.get("seed"), run)
    if not wrong:
        return Finding(run.stage, "params.yaml", SAME)
    told = [f"{key} is {here}, recorded {recorded}" for key, (here, recorded) in wrong.items()]
    return Finding(run.stage, "params.yaml", DIFFERENT, "; ".join(told[:3]))


def checkout_code(chain: list[Recorded], root: Path) -> list[Finding]:
    """Notes on uncommitted changes of this checkout in the runs' code; the recorded code is used all the same."""
    changed = git(root, "diff", "--name-only", "HEAD").split("\n")
    paths = {path for run in chain for path in run.code_inputs}
    mine = [name for name in changed if any(name == path or name.startswith(f"{path}/") for path in paths)]
    return [Finding("checkout", name, NOTE, "changed here; the recorded code is what was held up") for name in mine]
