"""Bring the code and parameters of a run into a worktree, and check them against the record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flows.history.findings import DIFFERENT, NOTE, SAME, Finding, compared
from flows.history.parameters import departures, equal, texts
from flows.history.runs import Recorded
from flows.history.store import Store
from flows.history.worktree import Worktree
from flows.outside.git import git
from tasks.core import yaml12
from tasks.core.errors import LandloomError
from tasks.core.hashing import dvc_md5, file_sha256
from tasks.core.settings import read
from tasks.runs.provenance import LOCK
from tasks.runs.titles import flatten


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
    wrong = departures(_section(run, params), params.get("seed"), run)
    if not wrong:
        return Finding(run.stage, "params.yaml", SAME)
    return Finding(run.stage, "params.yaml", DIFFERENT, _told(wrong))


def _section(run: Recorded, params: dict) -> Any:
    """The section of the run's stage in `params.yaml`, or None."""
    name, dataset = run.stage.split("@")
    return ((params.get("datasets") or {}).get(dataset) or {}).get(name) if isinstance(params, dict) else None


def _told(wrong: dict[str, tuple[str | None, str | None]], most: int = 3) -> str:
    told = [f"{key} is {here}, recorded {recorded}" for key, (here, recorded) in wrong.items()]
    return "; ".join(told[:most]) + (f"; and {len(told) - most} more" if len(told) > most else "")


def recorded_params(chain: list[Recorded], store: Store) -> Iterator[Finding]:
    """Findings where MLflow shows another parameter than the run file, whose hash is among the run's outputs.

    An edit of the record is found so, even of a default that no version of `params.yaml` names.
    """
    for run in chain:
        data = store.read(run.outputs[run.record]) if run.run_id and run.record in run.outputs else None
        if data is None:  # an older run, or bytes that are nowhere: the comparison of outputs tells that
            continue
        facts = json.loads(data)
        written = texts({"seed": facts["seed"], **flatten(facts["params"])})
        told = [
            f"{name} is {run.params.get(name)}, {run.record} has {written.get(name)}"
            for name in sorted(written.keys() | run.params.keys())
            if not equal(run.params.get(name), written.get(name))
        ]
        if told:
            yield Finding(run.stage, "parameters in MLflow", DIFFERENT, "; ".join(told[:3]))


def checkout_params(chain: list[Recorded], root: Path) -> Iterator[Finding]:
    """Notes on parameters of this checkout that differ from the recorded ones, which are used all the same."""
    try:
        params = read(root)
    except LandloomError as error:
        yield Finding("checkout", "params.yaml", NOTE, str(error))
        return
    for run in {run.stage: run for run in chain}.values():
        name, dataset = run.stage.split("@")
        here = _section(run, params)
        if here is None:
            yield Finding("checkout", f"datasets.{dataset}.{name}", NOTE, "not in params.yaml here; the run had it")
        elif wrong := departures(here, params.get("seed"), run, root):
            said = f"{_told(wrong)}; reproduce used the recorded parameters"
            yield Finding("checkout", f"datasets.{dataset}.{name}", NOTE, said)


def checkout_code(chain: list[Recorded], root: Path) -> list[Finding]:
    """Notes on uncommitted changes of this checkout in the runs' code; the recorded code is used all the same."""
    changed = git(root, "diff", "--name-only", "HEAD").split("\n")
    paths = {path for run in chain for path in run.code_inputs}
    mine = [name for name in changed if any(name == path or name.startswith(f"{path}/") for path in paths)]
    return [Finding("checkout", name, NOTE, "changed here; reproduce used the recorded code") for name in mine]
