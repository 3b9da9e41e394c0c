"""Git in a checkout, also in one that belongs to another user."""

from __future__ import annotations

import subprocess
from pathlib import Path

GIT = ("git", "-c", "safe.directory=*")
"""Git refuses a folder of another owner ("dubious ownership"), as mounted into a container. The code of this checkout
runs already, so its configuration is trusted as much."""


def run_git(
    root: Path, *arguments: str, stdin: bytes | None = None, timeout: float | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run git in `root`.

    Raises:
        OSError: there is no git. subprocess.TimeoutExpired: it took longer than `timeout` seconds.
    """
    return subprocess.run([*GIT, *arguments], cwd=root, input=stdin, capture_output=True, timeout=timeout)


def why_no_commit(root: Path) -> str | None:
    """Return why no commit of git describes the files under `root`; None if one does."""
    try:
        head = run_git(root, "rev-parse", "--verify", "HEAD", timeout=60)
        known = run_git(root, "ls-files", "--error-unmatch", "--", "dvc.yaml", timeout=60)
    except OSError as error:
        return f"git cannot be started ({error.strerror})"
    except subprocess.TimeoutExpired:
        return "git does not answer"
    if head.returncode:
        said = head.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
        return f"git says: {said[0].removeprefix('fatal: ')}"
    if known.returncode:
        return "git does not track its dvc.yaml, so the commit is that of another project around it"
    return None
