"""Run the stages behind a run again without any cache, and compare what they write with the record."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace

from flows.history.findings import (
    ALLOWED,
    DIFFERENT,
    IDS,
    NOTE,
    UNSEEN,
    Finding,
    allowance,
    compared,
    machines,
    metrics_apart,
    neutral,
)
from flows.history.runs import Recorded, Runs
from flows.history.standing import settle
from flows.history.store import Store
from flows.history.worktree import Worktree
from tasks.core.hashing import dvc_md5, file_md5
from tasks.runs.figures import recorded
from tasks.runs.tracking import safe_name


class Recompute:
    """Runs every stage of a chain again in a worktree, one after the other, except the `given` ones."""

    def __init__(
        self,
        chain: list[Recorded],
        given: list[Recorded],
        tree: Worktree,
        store: Store,
        tolerance: float,
        say: Callable[[str], None],
    ):
        self._chain, self._given, self._tree, self._store = chain, given, tree, store
        self._tolerance, self._say = tolerance, say
        # Texts that differ between two equal runs: ids of runs and commits, and hashes of files that hold such ids.
        self._ids = {name for run in chain for name in (run.run_id, run.commit, run.sealed) if name}
        self._excused: dict[str, str] = {}  # stage → reason why its bytes may differ
        self._holders: set[str] = set()  # stages whose outputs name runs

    def run(self) -> list[Finding]:
        """Run them; returns findings in stage order and stops at a stage that fails."""
        self._tree.configure(use_cache=False)
        findings: list[Finding] = []
        for run in self._chain:
            if any(run is other for other in self._given):
                continue
            settle(run, self._tree)
            self._tree.borrow(run)
            self._say(f"{run.stage}: running again")
            started = time.monotonic()
            done = self._tree.dvc("repro", "--force", "--single-item", "--no-run-cache", "--no-commit", run.stage)
            seconds = time.monotonic() - started
            if done.returncode != 0:
                findings.append(
                    Finding(run.stage, "the stage", DIFFERENT, f"it failed: {_last_words(done.stdout, run)}")
                )
                return findings
            self._say(f"{run.stage}: {seconds:.1f} s")
            findings += self._held(run)
            findings.append(Finding(run.stage, "made again", NOTE, f"{seconds:.1f} s"))
        return findings

    def _held(self, run: Recorded) -> list[Finding]:
        """Compare this run's new outputs with the recorded ones."""
        record = json.loads((self._tree.path / run.record).read_text())
        made = Runs(self._tree.path, self._tree.tracking_uri).get(record["run_id"])
        self._ids |= {name for name in (made.run_id, made.commit) if name}
        if self._names_runs(run):
            self._holders.add(run.stage)
        excuse = allowance(run, made.hardware) or self._inherited(run)
        both, apart = metrics_apart(run.metrics, self._metrics(run), self._tolerance)
        findings = []
        for path, digest in run.outputs.items():
            here = dvc_md5(self._tree.path / path) if (self._tree.path / path).exists() else None
            finding = compared(run.stage, path, digest, here)
            if finding.verdict == DIFFERENT:
                finding = self._judged(run, finding, digest, excuse, both, apart)
                if finding.verdict == DIFFERENT and not excuse:
                    finding = replace(finding, detail=finding.detail + machines(run, made.hardware))
            if finding.verdict in (IDS, UNSEEN):
                self._ids |= {digest, here}  # later run files and lineages contain these hashes
            findings.append(finding)
        if excuse and any(finding.verdict == ALLOWED for finding in findings):
            self._excused[run.stage] = excuse
        return findings

    def _judged(
        self, run: Recorded, finding: Finding, digest: str, excuse: str | None, both: int, apart: list[str]
    ) -> Finding:
        """Classify a difference: ids only, allowed, or a real one."""
        path = finding.what
        if path == run.record or run.stage in self._holders:
            ids_only = self._but_for_ids(path, digest)
            if ids_only is None:
                return Finding(run.stage, path, UNSEEN, "it names runs, and the recorded bytes cannot be read")
            if ids_only:
                return Finding(run.stage, path, IDS, "it names runs; only those differ")
        if excuse and not apart:
            held = f"{both} metrics within {100 * self._tolerance:.0f} %" if both else "it has no metrics to compare"
            return Finding(run.stage, path, ALLOWED, f"{excuse}; {held}")
        if excuse:
            return Finding(run.stage, path, DIFFERENT, f"{excuse}; further apart than allowed: {'; '.join(apart[:3])}")
        detail = finding.detail + self._store.departs(self._tree.path, path, digest)
        return Finding(run.stage, path, DIFFERENT, detail)

    def _inherited(self, run: Recorded) -> str | None:
        """The reason why an upstream stage may differ, which this stage inherits; None without one."""
        for other in self._chain:
            if other.stage in self._excused and any(
                other.outputs.get(path) == digest for path, digest in run.data_inputs.items()
            ):
                return f"from {other.stage}, which may differ"
        return None

    def _names_runs(self, run: Recorded) -> bool:
        """Whether the stage reads run files, or outputs of a stage that reads them."""
        sources = {path for other in self._chain if other.stage in self._holders for path in other.outputs}
        return any("/runs/" in path or path in sources for path in run.data_inputs)

    def _metrics(self, run: Recorded) -> dict[str, float]:
        """The metrics that the stage just wrote, under the names that MLflow uses."""
        name, dataset = run.stage.split("@")
        values = recorded(self._tree.path, dataset, name)
        return {safe_name(key): float(value) for key, value in values.items()}

    def _but_for_ids(self, path: str, digest: str) -> bool | None:
        """Whether the new output differs in ids only; None where the recorded bytes cannot be read."""
        top = self._tree.path / path
        if digest.endswith(".dir"):
            files = self._store.listing(digest)
            here = {file.relative_to(top).as_posix() for file in top.rglob("*") if file.is_file()}
            if files is None or files.keys() != here:
                return None if files is None else False
        else:
            files = {"": digest}
        for name, md5 in files.items():
            file = top / name if name else top
            if file_md5(file) == md5:
                continue
            recorded = self._store.read(md5)
            if recorded is None:
                return None
            before, after = neutral(recorded, self._ids), neutral(file.read_bytes(), self._ids)
            if before is None or before != after:
                return False
        return True


def _last_words(output: str, run: Recorded) -> str:
    """The stage's own message, or the end of the output."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    own = [line for line in lines if line.startswith(f"{run.stage}:")]
    return own[-1] if own else " ".join(lines)[-400:]
