"""Restore a dataset or a model from the id of the run that made it, and check every byte of it.

    python -m flows.reproduce RUN_ID                  verify: fetch by hash, compare every hash
    python -m flows.reproduce models:/terrain/3       the same, from a model version
    python -m flows.reproduce RUN_ID --into FOLDER    and keep it there: code, parameters and data
    python -m flows.reproduce RUN_ID --recompute      run the stages again without any cache, and compare

Verification trusts only the record of the run. A worktree at the run's commit (with its patch) must have the recorded
code and parameters. The environment must match the recorded lock file. Each output of the run and of every upstream
run is checked out from DVC's cache or remote and hashed again.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from flows.history.findings import (
    DIFFERENT,
    MISSING,
    NOTE,
    SAME,
    TOLERANCE,
    Finding,
    compared,
    in_stage_order,
    table,
    verdict,
)
from flows.history.lockfile import check, entries
from flows.history.recompute import Recompute
from flows.history.runs import Recorded, Runs
from flows.history.standing import checkout_code, checkout_params, code, recorded_params
from flows.history.store import Store
from flows.history.worktree import Worktree, worktree
from flows.outside.git import git, has_commit
from tasks.core.command import told
from tasks.core.hashing import dvc_md5
from tasks.core.settings import ROOT
from tasks.runs.provenance import LOCK, lock_hash


def reproduce(
    name: str,
    recompute: bool = False,
    root: Path = ROOT,
    into: Path | None = None,
    fetch: Iterable[str] = (),
    only: bool = False,
    tolerance: float = TOLERANCE,
    say: Callable[[str], None] = lambda line: None,
) -> list[Finding]:
    """Verify the run, or recompute its data; returns every finding in stage order.

    Args:
        name: a run id, or `models:/NAME/VERSION`.
        recompute: run the stages again, with no cache to restore from.
        into: keep the worktree in this new folder.
        fetch: with `recompute`: stages whose recorded outputs are fetched instead of made again.
        only: with `recompute`: everything upstream is fetched, and the run's own stage made again.
        tolerance: see `findings.TOLERANCE`. say: is called with each line of progress.
    """
    runs, store = Runs(root), Store(root)
    run, model = runs.find(name)
    chain = runs.upstream(run)
    given = [other for other in chain if _is_given(other, run, fetch, only)] if recompute else chain
    findings = unrecorded(chain)
    with worktree(runs, store, run, into) as tree:
        findings += environment(run, root, tree.path)
        findings += code(chain, tree)
        findings += [*recorded_params(chain, store), *checkout_code(chain, root), *checkout_params(chain, root)]
        tree.configure(use_cache=True)
        for layer in layers(given) if given else []:
            fetched(layer, tree)
            findings += outputs(layer, tree, store)
        if recompute:
            findings += Recompute(chain, given, tree, store, tolerance, say).run()
        findings += locks(runs, chain, tree)
        if model is not None:
            findings.append(_model(model, run))
        tree.stand(run)
        if into is not None:
            tree.configure(use_cache=True)
            (tree.path / "dvc.lock").write_text(entries(layers(chain)[-1], tree.path))
    return in_stage_order(findings, [other.stage for other in chain])


def environment(run: Recorded, root: Path, tree: Path) -> list[Finding]:
    """Compare the lock file here with the recorded one, and the installed packages with the recorded pins."""
    here, then = root / LOCK, tree / LOCK
    if not then.exists() or not here.exists():
        return [Finding("environment", LOCK, MISSING, f"here: {here.exists()}, at the run's commit: {then.exists()}")]
    ours, theirs = _pins(here), _pins(then)
    findings = [Finding("environment", LOCK, SAME, str(run.lock_sha256))]
    if lock_hash(root) != run.lock_sha256:
        apart = [f"{name} {pin} → {ours.get(name, 'gone')}" for name, pin in theirs.items() if ours.get(name) != pin]
        more = len(ours.keys() - theirs.keys())
        if more and not apart:
            kept = f"{more} packages more than the run had; each of its {len(theirs)} pins is kept"
            findings = [Finding("environment", LOCK, NOTE, kept)]
        else:
            detail = ", ".join(apart[:5]) or "the same pins in other bytes"
            findings = [Finding("environment", LOCK, DIFFERENT, f"{detail}; recorded {run.lock_sha256}")]
    for name, wanted in theirs.items():
        try:
            installed = version(name).split("+")[0]
        except PackageNotFoundError:
            installed = "not installed"
        if installed != wanted:
            findings.append(Finding("environment", name, DIFFERENT, f"recorded {wanted}, here {installed}"))
    return findings


def _pins(path: Path) -> dict[str, str]:
    """Package → version, from `name==version` lines."""
    return {name: pin for name, _, pin in (line.partition("==") for line in path.read_text().split())}


def unrecorded(chain: list[Recorded]) -> list[Finding]:
    """Notes on runs that MLflow does not have: only their run files in this checkout describe them."""
    said = "MLflow was unreachable when this run was made; only its run file in this checkout describes it"
    return [Finding(run.stage, run.record, NOTE, said) for run in chain if run.run_id is None]


def layers(chain: list[Recorded]) -> list[list[Recorded]]:
    """Split the runs into groups with one run a stage at most; the last group has the latest run of every stage.

    Nearly always there is one group. An evaluation of a model against newer shards has two runs of `shard` behind it.
    """
    last = {run.stage: run for run in chain}
    earlier = [run for run in chain if last[run.stage] is not run]
    return [*(layers(earlier) if earlier else []), list(last.values())]


def fetched(chain: list[Recorded], tree: Worktree) -> None:
    """Check out every output from DVC's cache (or remote) by its recorded hash."""
    (tree.path / "dvc.lock").write_text(entries(chain, tree.path))
    # `--allow-missing` ignores outputs that cannot be found; the comparison reports them as missing.
    paths = [path for run in chain for path in run.outputs]
    done = tree.dvc("checkout", "--allow-missing", "--force", "--quiet", *paths)
    absent = [path for path in paths if not (tree.path / path).exists()]
    if (absent or done.returncode != 0) and tree.has_remote:
        tree.dvc("pull", "--allow-missing", "--force", "--quiet", *paths)


def outputs(chain: list[Recorded], tree: Worktree, store: Store) -> Iterator[Finding]:
    """Hash every output of these runs in the worktree and compare it with the record."""
    for run in chain:
        for path, digest in run.outputs.items():
            here = dvc_md5(tree.path / path) if (tree.path / path).exists() else None
            yield compared(
                run.stage, path, digest, here, "" if here == digest else store.departs(tree.path, path, digest)
            )


def locks(runs: Runs, chain: list[Recorded], tree: Worktree) -> list[Finding]:
    """The `dvc.lock` that was sealed for these runs, and the one of this checkout."""
    findings, run, latest = [], chain[-1], layers(chain)[-1]
    if run.sealed and has_commit(runs.root, run.sealed):
        text = git(runs.root, "show", f"{run.sealed}:dvc.lock")
        findings += check(text, f"dvc.lock at {run.sealed[:10]}", runs, latest, tree.path, sealed=run)
    elif run.sealed:
        findings.append(Finding(run.stage, "dvc.lock", NOTE, f"it was sealed in {run.sealed}, which this clone lacks"))
    ours = runs.root / "dvc.lock"
    return findings + (check(ours.read_text(), "dvc.lock", runs, latest, tree.path) if ours.exists() else [])


def _model(version: object, run: Recorded) -> Finding:
    path, digest = version.tags.get("dvc.path"), version.tags.get("dvc.md5")
    what = f"{path} as models:/{version.name}/{version.version} has it"
    return compared(run.stage, what, str(digest), run.outputs.get(path))


def _is_given(other: Recorded, run: Recorded, fetch: Iterable[str], only: bool) -> bool:
    return (only and other is not run) or other.stage in fetch or other.stage.split("@")[0] in fetch


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m flows.reproduce", description=__doc__.splitlines()[0])
    parser.add_argument("run", help="a run id, models:/NAME/VERSION, or STAGE@DATASET of this checkout")
    parser.add_argument("--into", type=Path, help="keep code and data in this new folder, a git worktree")
    parser.add_argument("--recompute", action="store_true", help="run the stages again, without any cache")
    parser.add_argument(
        "--only", action="store_true", help="with --recompute: only the run's own stage; fetch the rest"
    )
    parser.add_argument(
        "--fetch", action="append", default=[], metavar="STAGE", help="with --recompute: fetch this stage's outputs"
    )
    parser.add_argument(
        "--tolerance", type=float, default=TOLERANCE, help="of metrics, relative, where bytes may differ (%(default)s)"
    )
    parser.add_argument("--all", action="store_true", help="show every path of code, not one line a stage")
    parser.add_argument("--json", type=Path, help="write the findings there as well")
    arguments = parser.parse_args()
    if (arguments.only or arguments.fetch) and not arguments.recompute:
        parser.error("--only and --fetch say how to --recompute")
    started = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that SIGTERM removes the worktree, too
    with told(status=2):
        findings = reproduce(
            arguments.run,
            arguments.recompute,
            root=ROOT,
            into=arguments.into,
            fetch=arguments.fetch,
            only=arguments.only,
            tolerance=arguments.tolerance,
            say=lambda line: print(line, file=sys.stderr, flush=True),
        )
    print(table(findings, arguments.all))
    good, line = verdict(findings)
    print(f"{time.monotonic() - started:.1f} s")
    if arguments.into:
        print(f"code and data: {arguments.into} (`git worktree remove --force {arguments.into}` removes it)")
    print(line)
    if arguments.json:
        facts = {"same": good, "verdict": line, "findings": [vars(finding) for finding in findings]}
        arguments.json.write_text(json.dumps(facts, indent=2) + "\n")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
