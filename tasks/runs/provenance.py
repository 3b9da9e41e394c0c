"""Provenance of a run: input hashes, commit, uncommitted changes, lock file, hardware."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tasks.core import arithmetic
from tasks.core.dag import StageEntry
from tasks.core.hashing import file_sha256
from tasks.core.inputs import input_hashes
from tasks.runs.carried import carried
from tasks.runs.git import run_git, why_no_commit
from tasks.runs.secrets import found_in, redact

LOCK = "requirements.lock"


@dataclass(frozen=True)
class Origin:
    """The state from which a run started. It is recorded before the stage starts, so that later edits do not enter it.

    Attributes:
        inputs: DVC's hash of each dependency, by path.
        commit: the checked-out commit, or None outside a repository.
        patch: the changes of the working tree against the commit, or None if git failed.
    """

    inputs: dict[str, str]
    commit: str | None
    patch: str | None

    @property
    def dirty(self) -> bool | None:
        """Whether the code differs from the commit; None if this is unknown."""
        return None if self.commit is None or self.patch is None else bool(self.patch)


def origin(entry: StageEntry, root: Path) -> Origin:
    """Return the hashes of the dependencies and the state of git."""
    return Origin(input_hashes(entry, root), *git_state(root))


def git_state(root: Path) -> tuple[str | None, str | None]:
    """Return (commit, patch). Applying the patch to the commit with `git apply` gives the code that ran.

    The patch is empty if nothing differs, and None if git fails. It holds the changes of tracked files, and new Python
    files. Other untracked files are excluded, because they can hold secrets. Files that exist to hold secrets are
    always excluded. `dvc.lock` is excluded because DVC writes it after the stage. Secrets inside code are blanked,
    with a warning. Such a patch no longer gives the code that ran.
    """
    if bundle := carried(root):
        return bundle.commit, bundle.patch
    reason = why_no_commit(root)
    commit = None if reason else _git(root, "rev-parse", "HEAD")
    if commit is None:
        print(f"warning: this run is recorded without a commit: {reason}", file=sys.stderr, flush=True)
        return None, None
    changed = _git(root, *_DIFF, "--relative", "HEAD", "--", ".", ":(exclude)dvc.lock", *_KEY_FILES)
    new = _git(root, "ls-files", "-z", "--others", "--exclude-standard", "--", "*.py")
    if changed is None or new is None:
        print("warning: git cannot list the uncommitted changes, so this run is recorded without them", file=sys.stderr)
        return commit.strip(), None
    added = {name: _git(root, *_DIFF, "--no-index", "--", os.devnull, name) for name in new.split("\0") if name}
    if lost := [name for name, diff in added.items() if diff is None]:
        print(f"warning: git cannot read {lost[0]}, so this run is recorded without its changes", file=sys.stderr)
        return commit.strip(), None
    patch = "".join([changed, *(diff or "" for diff in added.values())])
    secrets = found_in(patch)
    if secrets:
        print(
            f"warning: uncommitted code holds {', '.join(secrets)}; it is blanked in the recorded patch, so this run's "
            "code cannot be rebuilt from it. Keys belong in the environment",
            file=sys.stderr,
            flush=True,
        )
    return commit.strip(), redact(patch) if secrets else patch


# Files that hold secrets by convention, in any folder.
_KEY_FILES = tuple(
    f":(exclude,glob)**/{name}"
    for name in (".env", ".env.*", "*.pem", "*.key", "id_rsa*", "id_ed25519*", ".netrc", "credentials", "*.local")
)
# These options override the user's git settings (colours, external viewer, prefixes), which can break the patch.
_DIFF = ("diff", "--binary", "--no-ext-diff", "--no-color", "--src-prefix=a/", "--dst-prefix=b/")


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = run_git(root, *arguments, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    differs = "--no-index" in arguments and done.returncode == 1  # `--no-index` reports a difference with status 1
    return done.stdout.decode(errors="replace") if done.returncode == 0 or differs else None


def lock_hash(root: Path) -> str | None:
    """Return the SHA-256 of `requirements.lock`, or None if there is no such file."""
    path = root / LOCK
    return file_sha256(path) if path.exists() else None


def hardware() -> dict[str, str]:
    """Return processor, arithmetic, cores, memory (GiB) and GPUs. GPUs are listed only if torch is already imported."""
    import psutil

    facts = {
        "machine": platform.machine(),
        "cpu": _processor(),
        "arithmetic": arithmetic.NAME,
        "system": platform.platform(),
        "python": platform.python_version(),
        "cores": str(os.cpu_count()),
        "memory_gib": f"{psutil.virtual_memory().total / 2**30:.1f}",
    }
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
        facts |= {"gpus": ", ".join(names), "cuda": str(torch.version.cuda)}
    return facts


def _processor() -> str:
    """Return the model name of the processor. Native arithmetic gives the same bits only on the same model."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:  # not Linux
        return platform.processor() or platform.machine()
    found = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(found, platform.processor() or platform.machine())
