"""A git worktree with the code of a run, and DVC inside it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flows.history.runs import Recorded, Runs
from flows.history.store import Store
from flows.outside.git import git, has_commit
from tasks.core import yaml12
from tasks.core.errors import LandloomError
from tasks.runs.store import own_database


class Worktree:
    """A second working tree of this clone, which can hold any run's commit and uncommitted changes.

    Attributes:
        path: its folder. place: the (commit, patch) that it holds.
    """

    def __init__(self, runs: Runs, store: Store, path: Path, scratch: Path):
        self._runs, self._store, self.path, self._scratch = runs, store, path, scratch
        self.root = runs.root
        self.place: tuple[str, bytes] | None = None

    def stand(self, run: Recorded) -> None:
        """Check out the code of `run`: its sealed commit, else its commit with its uncommitted changes."""
        place = self._place(run)
        if place == self.place:
            return
        commit, patch = place
        git(self.path, "checkout", "--force", "--detach", "--quiet", commit)
        git(self.path, "clean", "-dfq")  # files of an earlier patch; git ignores outputs of DVC
        if patch:
            git(self.path, "apply", "--binary", "-", stdin=patch)
        self.place = place

    def _place(self, run: Recorded) -> tuple[str, bytes]:
        if run.sealed and has_commit(self.root, run.sealed):
            return run.sealed, b""
        if run.commit is None:
            raise LandloomError(f"{_name(run)}: it recorded no commit, so its code cannot be found again")
        if not has_commit(self.root, run.commit):
            raise LandloomError(
                f"{_name(run)}: its commit {run.commit} is not in this clone; fetch the branch that holds it"
            )
        if not run.dirty:
            return run.commit, b""
        patch = self._runs.artifact(run.run_id, "lineage/dirty.patch") if run.run_id else None
        if patch is None:
            raise LandloomError(f"{_name(run)}: its uncommitted changes cannot be read from MLflow")
        return run.commit, patch

    def configure(self, use_cache: bool) -> None:
        """Configure DVC here: this clone's remotes, and its cache or, to make outputs again, an empty cache."""
        from dvc.config import Config

        cache = self._store.cache if use_cache else self._scratch / "no-cache"
        remotes = {name: {k: _plain(v) for k, v in body.items()} for name, body in self._store.config["remote"].items()}
        with Config(str(self.path / ".dvc"), validate=False).edit("local", validate=False) as local:
            # Copies, never links: a change here must not reach the cache.
            local["cache"] = {"dir": str(cache.resolve()), "type": "reflink,copy"}
            local["core"] |= {"site_cache_dir": str(self._scratch / "dvc"), "analytics": False}
            if self._store.has_remote:
                local["core"]["remote"] = self._store.config["core"]["remote"]
            local["remote"] = remotes
        (self.path / ".dvc" / "config.local").chmod(0o600)  # it may contain a remote's keys

    def dvc(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run DVC in the worktree; `stdout` has its output and its errors."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("DVC_")}
        environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment.get('PATH', '')}"
        # A recomputation is a check and not a new result, so the tracking database does not get it.
        environment["MLFLOW_TRACKING_URI"] = self.tracking_uri
        environment.pop("LANDLOOM_STATE", None)  # with the original's checkpoints, training would not run again
        return subprocess.run(
            [sys.executable, "-m", "dvc", *arguments],
            cwd=self.path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    @property
    def has_remote(self) -> bool:
        """Whether DVC here has a remote to pull from."""
        return self._store.has_remote

    @property
    def tracking_uri(self) -> str:
        """Where runs made in the worktree are recorded."""
        return own_database(self.path)

    def borrow(self, run: Recorded) -> None:
        """Link or copy files that the stage's parameters name and git does not track, such as a folder of rasters."""
        params = yaml12.load((self.path / "params.yaml").read_text())
        name, dataset = run.stage.split("@")
        for text in _strings(params["datasets"].get(dataset, {}).get(name, {})):
            given = Path(text.split("*")[0].split("?")[0].split("[")[0])
            if given.is_absolute() or not given.parts or ".." in given.parts:
                continue
            here, there = self.path / given.parts[0], self.root / given.parts[0]
            if there.is_dir() and not here.exists():
                here.symlink_to(there.resolve(), target_is_directory=True)
            elif (self.root / given).is_file() and not (self.path / given).exists():
                (self.path / given).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(self.root / given, self.path / given)


@contextmanager
def worktree(runs: Runs, store: Store, run: Recorded, into: Path | None) -> Iterator[Worktree]:
    """A worktree with the code of `run`: in a temporary folder that is removed, or in `into`, which stays."""
    if into is not None and into.exists():
        raise LandloomError(f"{into}: exists already; name a new folder")
    with tempfile.TemporaryDirectory(prefix="landloom-reproduce-") as folder:
        path = into.resolve() if into else Path(folder) / "tree"
        git(runs.root, "worktree", "prune")
        tree = Worktree(runs, store, path, Path(folder))
        commit, _ = tree._place(run)
        git(runs.root, "worktree", "add", "--detach", "--quiet", str(path), commit)
        kept = False
        try:
            tree.stand(run)
            yield tree
            kept = into is not None
        finally:
            if not kept:
                git(runs.root, "worktree", "remove", "--force", str(path))


def _name(run: Recorded) -> str:
    return f"run {run.run_id} ({run.stage})"


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, str) else value  # DVC writes its own path type as a relative path


def _strings(values: Any) -> Iterator[str]:
    if isinstance(values, str):
        yield values
    elif isinstance(values, dict | list):
        for value in values.values() if isinstance(values, dict) else values:
            yield from _strings(value)
