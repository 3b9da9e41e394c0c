"""What a run stood on: input hashes, commit, uncommitted changes, lock file, hardware."""

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
from tasks.runs.secrets import found_in, redact

LOCK = "requirements.lock"


@dataclass(frozen=True)
class Origin:
    """What a run started from: fixed before its stage begins, so that later edits cannot enter.

    Attributes:
        inputs: DVC's hash of every dependency, by path.
        commit: the checked-out commit; None outside a repository.
        patch: what the working tree adds to the commit; None where git could not tell.
    """

    inputs: dict[str, str]
    commit: str | None
    patch: str | None

    @property
    def dirty(self) -> bool | None:
        """Whether the code differs from the commit; None where nobody knows."""
        return None if self.commit is None or self.patch is None else bool(self.patch)


def origin(entry: StageEntry, root: Path) -> Origin:
    """Hash the dependencies and ask git."""
    return Origin(input_hashes(entry, root), *git_state(root))


def git_state(root: Path) -> tuple[str | None, str | None]:
    """(commit, patch): `git apply` of the patch on the commit gives the code that ran.

    The patch is empty when nothing differs, None where git cannot tell. It holds changes to tracked files
    and new Python files; other untracked files stay out, because keys live in such files, and so do files
    that exist to hold keys, tracked or not. DVC's lock is left out too: DVC writes it after the stage, so it
    says nothing of the run. A key that was pasted into code is blanked, with a warning: then the patch no
    longer gives the code that ran.
    """
    if bundle := carried(root):
        return bundle.commit, bundle.patch
    commit = _git(root, "rev-parse", "HEAD")
    if commit is None:
        return None, None
    changed = _git(root, *_DIFF, "HEAD", "--", ".", ":(exclude)dvc.lock", *_KEY_FILES)
    new = _git(root, "ls-files", "-z", "--others", "--exclude-standard", "--", "*.py")
    if changed is None or new is None:
        return commit.strip(), None
    added = [_git(root, *_DIFF, "--no-index", "--", os.devnull, name) or "" for name in new.split("\0") if name]
    patch = "".join([changed, *added])
    secrets = found_in(patch)
    if secrets:
        print(
            f"warning: uncommitted code holds {', '.join(secrets)}; it is blanked in the recorded patch, so this run's "
            "code cannot be rebuilt from it. Keys belong in the environment",
            file=sys.stderr,
            flush=True,
        )
    return commit.strip(), redact(patch) if secrets else patch


# Files that hold keys by custom, at any depth.
_KEY_FILES = tuple(
    f":(exclude,glob)**/{name}"
    for name in (".env", ".env.*", "*.pem", "*.key", "id_rsa*", "id_ed25519*", ".netrc", "credentials", "*.local")
)
# A person's own settings (colours, an external viewer, no prefixes) would make a patch that does not apply.
_DIFF = ("diff", "--binary", "--no-ext-diff", "--no-color", "--src-prefix=a/", "--dst-prefix=b/")


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    differs = "--no-index" in arguments and done.returncode == 1  # how `--no-index` says that there is a difference
    return done.stdout.decode(errors="replace") if done.returncode == 0 or differs else None


def lock_hash(root: Path) -> str | None:
    """SHA-256 of the pinned environment, or None where there is no lock file."""
    path = root / LOCK
    return file_sha256(path) if path.exists() else None


def hardware() -> dict[str, str]:
    """Processor, its arithmetic, cores, memory and GPUs. Torch is asked only where the process already loaded it."""
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
    """The processor's model name: where the arithmetic is native, equal bits are promised on one model only."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:  # not Linux
        return platform.processor() or platform.machine()
    found = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(found, platform.processor() or platform.machine())
