"""Findings of a comparison, one for each output, file of code and pin, and the verdict over all of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from flows.history.runs import Recorded
from tasks.core.arithmetic import NATIVE, PORTABLE

SAME = "same"
IDS = "same but for ids"  # the file names runs, commits or versions; only those differ
ALLOWED = "different as allowed"
UNSEEN = "not compared"
NOTE = "note"
DIFFERENT = "different"
MISSING = "missing"

TOLERANCE = 0.10
"""Allowed difference between a metric and the recorded one, relative to the larger of the two, where bytes may differ.

A GPU or another processor adds numbers in another order. Training carries the last bits of each step into the
next, so the weights differ although the model is as good. The measurement limits what can be compared: the middle
95 % of the bootstrap draws of evaluate's distance to held-out terrain span about ± 6 % at 605 tiles. A smaller
tolerance would reject noise; twice this tolerance would accept a worse model.
"""
TOLERANCE_NEAR_ZERO = 0.05
"""Allowed absolute difference for metrics near zero (shares, copies found), where a relative bound is too strict."""


@dataclass(frozen=True)
class Finding:
    """One result: the place (a stage, `environment` or `checkout`), the thing compared, and its verdict."""

    stage: str
    what: str
    verdict: str
    detail: str = ""

    @property
    def good(self) -> bool:
        return self.verdict not in (DIFFERENT, MISSING)


def compared(stage: str, what: str, recorded: str, here: str | None, detail: str = "") -> Finding:
    """Compare two hashes; `detail` is added to the finding where they differ."""
    if here is None:
        return Finding(stage, what, MISSING, f"recorded {recorded}{detail}")
    if here == recorded:
        return Finding(stage, what, SAME, recorded)
    return Finding(stage, what, DIFFERENT, f"recorded {recorded}, here {here}{detail}")


def allowance(run: Recorded, here: Mapping[str, str]) -> str | None:
    """The reason why this run's bytes may differ from those made `here` (hardware); None where they must be equal.

    The arithmetic counts, not the processor's name: two processors that compute as x86-64-v3 give the same bytes.
    Another arithmetic is another processor, for every stage. Native runs promise the same bytes on one processor model.
    Older runs do not record their arithmetic: their stages with networks promise that, all others the same anywhere.
    """
    networks = any(path.split("/")[0] == "models" for path in run.code_inputs)
    if networks:
        for machine, verb in ((run.hardware, "made on"), (here, "made again on")):
            if gpus := machine.get("gpus"):
                return f"{verb} {gpus}"
    used, using = run.hardware.get("arithmetic"), here.get("arithmetic")
    then, now = run.hardware.get("cpu"), here.get("cpu")
    if used and using and used != using:
        return f"made with {used} arithmetic on {then}, made again with {using} arithmetic on {now}"
    if used == using == PORTABLE:
        return None
    if then and now and then != now and (networks or used == using == NATIVE):
        return f"made on {then}, made again on {now}"
    return None


def machines(run: Recorded, here: Mapping[str, str]) -> str:
    """The two processors, as the end of a sentence about bytes that differ and must not; empty if it is one model."""
    then, now = run.hardware.get("cpu"), here.get("cpu")
    if not then or not now or then == now:
        return ""
    return f"; made on {then}, made again on {now}: both compute with {here.get('arithmetic')}, so please report it"


def metrics_apart(recorded: Mapping[str, float], here: Mapping[str, float], tolerance: float) -> tuple[int, list[str]]:
    """Returns (number of metrics that both have, descriptions of those that differ by more than the tolerance)."""
    both = sorted(recorded.keys() & here.keys())
    apart = []
    for name in both:
        then, now = recorded[name], here[name]
        if abs(then - now) > max(tolerance * max(abs(then), abs(now)), TOLERANCE_NEAR_ZERO):
            apart.append(f"{name} {then:.4g} → {now:.4g}")
    return len(both), apart


def neutral(data: bytes, ids: Iterable[str]) -> bytes | None:
    """Replace every id in a text by the same mark: `ids` (of runs and commits), ids of models, version numbers.

    Returns None where `data` is not UTF-8 text.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    for name in sorted(ids, key=len, reverse=True):
        text = text.replace(name, "*").replace(name[:10], "*")  # pages show the start of a commit
    text = re.sub(r"\bm-[0-9a-f]{32}\b", "*", text)
    text = re.sub(r'"dirty": (true|false)|<small>with uncommitted changes</small>', "", text)
    text = re.sub(r'(\bversion"?[: ]+"?)\d+', r"\1*", text)
    text = re.sub(r'("run_id": )(null|"\*")', r"\1*", text)  # null: MLflow was away, or the run arrived later
    return text.encode()


def verdict(findings: list[Finding]) -> tuple[bool, str]:
    """Returns (whether everything is as it must be, a summary in one line that names the first stage that differs)."""
    counted = [finding for finding in findings if finding.verdict != NOTE]
    wrong = [finding for finding in counted if not finding.good]
    if wrong:
        first = wrong[0]
        line = f"{len(wrong)} of {len(counted)} differ; the first is {first.stage}: {first.what} ({first.detail})"
        if all(finding.stage == "environment" for finding in wrong):
            line += "; the bytes and the code are the recorded ones"
        return False, line
    places = len({finding.stage for finding in counted})
    tally = {kind: sum(finding.verdict == kind for finding in counted) for kind in (SAME, IDS, ALLOWED, UNSEEN)}
    if tally[SAME] == len(counted):
        return True, f"same: all {len(counted)} hashes of {places} places"
    others = ", ".join(f"{count} {kind}" for kind, count in tally.items() if count and kind != SAME)
    line = f"same: {tally[SAME]} of {len(counted)} hashes of {places} places; {others}"
    departs = next((finding for finding in counted if finding.verdict == ALLOWED), None)
    return True, line + (f"; the first that departs is {departs.stage}: {departs.what}" if departs else "")


def table(findings: list[Finding], whole: bool = False) -> str:
    """The findings in columns. Unchanged code takes one line a stage, unless `whole` is set."""
    rows: list[Finding] = []
    folded: dict[str, int] = {}
    for finding in findings:
        if whole or finding.verdict != SAME or "@" not in finding.stage or not _is_code(finding.what):
            rows.append(finding)
            continue
        if finding.stage not in folded:
            rows.append(finding)
        folded[finding.stage] = folded.get(finding.stage, 0) + 1
    rows = [
        Finding(row.stage, f"{folded[row.stage]} paths of code, and parameters", SAME)
        if row.verdict == SAME and row.stage in folded and _is_code(row.what)
        else row
        for row in rows
    ]
    kind, stage, what = (
        max((len(getattr(row, name)) for row in rows), default=0) for name in ("verdict", "stage", "what")
    )
    return "\n".join(f"{f.verdict:{kind}}  {f.stage:{stage}}  {f.what:{what}}  {f.detail}".rstrip() for f in rows)


def _is_code(what: str) -> bool:
    return not what.startswith(("data/", "dvc.lock"))


def in_stage_order(findings: list[Finding], stages: Iterable[str]) -> list[Finding]:
    """Sort the findings: environment and checkout first, then the stages in the order of the pipeline."""
    place = {stage: number for number, stage in enumerate(dict.fromkeys(stages))}
    return sorted(findings, key=lambda finding: place.get(finding.stage, -1))
