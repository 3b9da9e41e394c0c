"""Git commands and their output."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tasks.core.errors import LandloomError
from tasks.runs.git import run_git
from tasks.runs.secrets import redact


def git(folder: Path, *arguments: str, stdin: bytes | None = None) -> str:
    """Run git and return its output; raises LandloomError with git's own message."""
    done = _run(folder, *arguments, stdin=stdin)
    if done.returncode != 0:
        said = " ".join(done.stderr.decode(errors="replace").split())
        raise LandloomError(redact(f"git {' '.join(arguments[:2])}: {said}"))
    return done.stdout.decode(errors="replace")


def ask(folder: Path, *arguments: str) -> str:
    """Git's output without the last newline; an empty string where git fails."""
    done = _run(folder, *arguments)
    return done.stdout.decode(errors="replace").rstrip("\n") if done.returncode == 0 else ""


def has_commit(root: Path, commit: str) -> bool:
    """Whether this clone has the commit."""
    return _run(root, "cat-file", "-e", f"{commit}^{{commit}}").returncode == 0


def check_repository(root: Path) -> None:
    """Raise LandloomError where no repository of git holds the checkout, as in an unpacked archive: DVC needs one."""
    done = _run(root, "rev-parse", "--git-dir")
    if done.returncode != 0:
        said = (done.stderr.decode(errors="replace").strip() or "no reason given").splitlines()[0]
        raise LandloomError(
            f"a checkout of git is needed, and {root} is none: clone it, or run git init, git add -A and git commit "
            f"here (git says: {said.removeprefix('fatal: ')})"
        )


def _run(folder: Path, *arguments: str, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    try:
        return run_git(folder, *arguments, stdin=stdin)
    except FileNotFoundError as error:
        raise LandloomError(f"git cannot be started in {folder} ({error.strerror}); install it") from None
