"""Git, asked in words."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tasks.core.errors import LandloomError
from tasks.runs.secrets import redact


def git(folder: Path, *arguments: str, stdin: bytes | None = None) -> str:
    """Run git and give what it prints; raises LandloomError with git's own words."""
    done = _run(folder, *arguments, stdin=stdin)
    if done.returncode != 0:
        said = " ".join(done.stderr.decode(errors="replace").split())
        raise LandloomError(redact(f"git {' '.join(arguments[:2])}: {said}"))
    return done.stdout.decode(errors="replace")


def ask(folder: Path, *arguments: str) -> str:
    """What git prints, without the last line's end; nothing where it says no."""
    done = _run(folder, *arguments)
    return done.stdout.decode(errors="replace").rstrip("\n") if done.returncode == 0 else ""


def has_commit(root: Path, commit: str) -> bool:
    """Whether this clone has the commit."""
    return _run(root, "cat-file", "-e", f"{commit}^{{commit}}").returncode == 0


def _run(folder: Path, *arguments: str, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", *arguments], cwd=folder, input=stdin, capture_output=True)
