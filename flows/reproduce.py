"""Give a dataset or a model back from the id of the run that made it, and check every byte of it.

    python -m flows.reproduce RUN_ID                verify: fetch by hash, compare every hash
    python -m flows.reproduce RUN_ID --recompute    run the stages again without any cache, and compare

Verification trusts nothing but the run: a worktree at its commit (with its patch) must have the
recorded code, the environment must be the recorded lock's, and each output of the run and of every
run upstream is checked out from DVC's cache or remote and hashed again.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import yaml

from flows.lineage import Recorded, Runs
from tasks.errors import LandloomError
from tasks.hashing import dvc_md5
from tasks.provenance import LOCK, lock_hash

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Finding:
    """One line of the verdict: `same`, `different` or `missing`, and what it is about."""

    stage: str
    what: str
    verdict: str
    detail: str = ""


def reproduce(run_id: str, recompute: bool = False, root: Path = ROOT) -> list[Finding]:
    """Verify the run (and with `recompute` make its data again); returns every finding in stage order."""
    runs = Runs(root)
    run = runs.get(run_id)
    if run.commit is None:
        raise LandloomError(f"run {run_id}: it recorded no commit, so its code cannot be found again")
    chain = runs.upstream(run)
    findings = environment(run, root)
    with worktree(runs, run, root) as tree:
        findings += code(chain, tree)
        if recompute:
            findings += again(chain, tree)
        else:
            findings += fetched(chain, tree)
    return findings


def environment(run: Recorded, root: Path) -> list[Finding]:
    """Is the lock file the recorded one, and is what is installed what the lock file says?"""
    same = lock_hash(root) == run.lock_sha256
    findings = [Finding("environment", LOCK, "same" if same else "different", "" if same else "the lock file changed")]
    for line in (root / LOCK).read_text().split():
        name, _, wanted = line.partition("==")
        try:
            installed = version(name).split("+")[0]
        except PackageNotFoundError:
            installed = "not installed"
        if installed != wanted:
            findings.append(Finding("environment", name, "different", f"locked {wanted}, here {installed}"))
    return findings


def code(chain: dict[str, Recorded], tree: Path) -> list[Finding]:
    """Does the worktree hold the very code that each run hashed?"""
    findings = []
    for stage, run in chain.items():
        for path, digest in run.code_inputs.items():
            here = dvc_md5(tree / path) if (tree / path).exists() else None
            findings.append(_compare(stage, path, digest, here))
    return findings


def fetched(chain: dict[str, Recorded], tree: Path) -> list[Finding]:
    """Check every output out of DVC's cache (or remote) by its recorded hash, and hash the bytes again."""
    lock = {
        stage: {"cmd": "", "outs": [{"path": p, "hash": "md5", "md5": d} for p, d in run.outputs.items()]}
        for stage, run in chain.items()
    }
    (tree / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": lock}))
    # Only what the lock names is wanted; `--allow-missing` leaves the rest, and we say what is missing.
    _dvc(tree, "checkout", "--allow-missing", "--force", "--quiet", check=False)
    absent = [path for run in chain.values() for path in run.outputs if not (tree / path).exists()]
    if absent and _dvc(tree, "remote", "list", check=False).stdout.strip():
        _dvc(tree, "pull", "--allow-missing", "--force", "--quiet", *absent, check=False)
    return list(_outputs(chain, tree))


def again(chain: dict[str, Recorded], tree: Path) -> list[Finding]:
    """Run every stage of the chain in the worktree, with no cache to restore from, and compare."""
    for stage in chain:
        done = _dvc(tree, "repro", "--force", "--single-item", "--no-run-cache", "--no-commit", stage, check=False)
        if done.returncode != 0:
            tail = " ".join(done.stdout.split())[-400:]
            return [*_outputs(chain, tree), Finding(stage, "the stage", "different", f"it failed: {tail}")]
    return list(_outputs(chain, tree))


def _outputs(chain: dict[str, Recorded], tree: Path) -> Iterator[Finding]:
    for stage, run in chain.items():
        for path, digest in run.outputs.items():
            yield _compare(stage, path, digest, dvc_md5(tree / path) if (tree / path).exists() else None)


def _compare(stage: str, path: str, recorded: str, here: str | None) -> Finding:
    if here is None:
        return Finding(stage, path, "missing", f"recorded {recorded}")
    if here == recorded:
        return Finding(stage, path, "same")
    return Finding(stage, path, "different", f"recorded {recorded}, here {here}")


@contextmanager
def worktree(runs: Runs, run: Recorded, root: Path) -> Iterator[Path]:
    """A git worktree at the run's commit, with its uncommitted changes, sharing this clone's DVC cache."""
    with tempfile.TemporaryDirectory(prefix="landloom-reproduce-") as folder:
        tree = Path(folder) / "tree"
        _git(root, "worktree", "add", "--detach", "--quiet", str(tree), run.commit)
        try:
            if run.dirty:
                patch = runs.text(run, "lineage/dirty.patch")
                if patch is None:
                    raise LandloomError(f"run {run.run_id}: its uncommitted changes were recorded but cannot be read")
                _git(tree, "apply", "--binary", "-", stdin=patch)
            cache = _dvc(root, "cache", "dir").stdout.strip()
            _dvc(tree, "cache", "dir", "--local", str((root / cache).resolve()))
            yield tree
        finally:
            _git(root, "worktree", "remove", "--force", str(tree))


def _git(folder: Path, *arguments: str, stdin: str | None = None) -> None:
    done = subprocess.run(["git", *arguments], cwd=folder, input=stdin, capture_output=True, text=True)
    if done.returncode != 0:
        raise LandloomError(f"git {' '.join(arguments[:3])}: {done.stderr.strip()}")


def _dvc(folder: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DVC_")}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment.get('PATH', '')}"
    # What is made again is a check and not a new result, so it is kept out of the tracking database.
    environment["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder / 'mlflow.db'}"
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if check and done.returncode != 0:
        raise LandloomError(f"dvc {' '.join(arguments[:3])}: {done.stdout.strip()[-400:]}")
    return done


def verdict(findings: list[Finding]) -> tuple[bool, str]:
    """(everything is the same, one line that names the first stage that departs)."""
    wrong = [finding for finding in findings if finding.verdict != "same"]
    if not wrong:
        return True, f"same: all {len(findings)} hashes of {len({finding.stage for finding in findings})} places"
    first = wrong[0]
    return False, f"{len(wrong)} of {len(findings)} differ; the first is {first.stage}: {first.what} ({first.detail})"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m flows.reproduce", description=__doc__.splitlines()[0])
    parser.add_argument("run_id", help="an MLflow run id of any stage")
    parser.add_argument("--recompute", action="store_true", help="run the stages again, without any cache")
    arguments = parser.parse_args()
    try:
        findings = reproduce(arguments.run_id, arguments.recompute)
    except LandloomError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    width = max(len(finding.what) for finding in findings)
    for finding in findings:
        print(f"{finding.verdict:9}  {finding.stage:18}  {finding.what:{width}}  {finding.detail}".rstrip())
    good, line = verdict(findings)
    print(line)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
