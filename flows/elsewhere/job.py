"""The job of a worker: a stage, a commit and addresses, checked here before any machine starts."""

from __future__ import annotations

import os
import re
from pathlib import Path

from flows.elsewhere.dvc import changed, dvc
from flows.outside.git import ask, git
from flows.stages.graph import chosen, read_graph
from flows.worker import scrub
from tasks.core.errors import LandloomError


def prepared(stage: str, repository: str | None, remote: str | None, root: Path) -> dict[str, str]:
    """The job, after checks of everything that would fail on the worker. Raises LandloomError where a check fails."""
    dirty = git(root, "status", "--porcelain", "--untracked-files=no").splitlines()
    dirty += [f"?? {name}" for name in git(root, "ls-files", "-o", "--exclude-standard", "--", "*.py").splitlines()]
    if dirty:
        raise LandloomError(
            f"{stage}: what is not committed does not reach another machine: {', '.join(dirty[:5])}"
            f"{' …' if len(dirty) > 5 else ''}; commit it (dvc.lock too: it says which data to fetch), then ask again"
        )
    repository = repository or ask(root, "config", "--get", "remote.origin.url")
    if not repository:
        raise LandloomError("there is no git remote `origin` to clone from: name one with --repository")
    job = described(stage, git(root, "rev-parse", "HEAD").strip(), repository, remote)
    _reachable(job["commit"], repository, root)
    if not remote and not dvc(root, "config", "--project", "core.remote", check=False):
        # .dvc/config.local belongs to this machine: no clone has it.
        raise LandloomError(
            ".dvc/config has no default remote to exchange data by: `dvc remote add -d NAME ADDRESS` and commit it, or "
            "name one with --remote"
        )
    graph = read_graph(root)
    if stage not in graph:
        raise LandloomError(f"dvc.yaml: there is no stage {stage!r}; there are {', '.join(sorted(graph))}")
    stale = changed(root, set(chosen(graph, [stage])) - {stage})
    if stale:
        raise LandloomError(
            f"{stage}: {', '.join(stale)} must run first: `dvc repro {' '.join(sorted(graph[stage]))}`, "
            "commit dvc.lock, then ask again"
        )
    return job


def described(stage: str, commit: str, repository: str, remote: str | None) -> dict[str, str]:
    """The job as a Prefect server may store it: addresses without passwords, and nothing else of the environment."""
    job = {"stage": stage, "commit": commit, "repository": repository}
    if remote:
        job["remote"] = remote
    for name, address in job.items():
        if _has_password(address):
            raise LandloomError(f"--{name}: leave the password out of the address; give it to the worker's environment")
    tracking = os.environ.get("MLFLOW_TRACKING_URI", "")
    if tracking.startswith("http") and not _has_password(tracking):  # no other machine sees a file of this one
        job["tracking_uri"] = tracking
    return job


def _reachable(commit: str, repository: str, root: Path) -> None:
    """Raise LandloomError unless the worker's repository has the commit."""
    heads = {line.split()[0] for line in git(root, "ls-remote", repository).splitlines()}
    if commit in heads:
        return
    known = [head for head in heads if ask(root, "cat-file", "-t", head) in ("commit", "tag")]
    if not any(ask(root, "merge-base", commit, head) == commit for head in known):
        raise LandloomError(f"commit {commit[:12]} is not in {scrub(repository)} yet: `git push` it, then ask again")


def _has_password(address: str) -> bool:
    """Whether the address has a password, or a token before the host of a web address."""
    return re.match(r"https?://[^/@\s]+@|\w+://[^/@\s]*:[^/@\s]+@", address) is not None
