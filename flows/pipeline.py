"""The pipeline as a Prefect flow: one task per stage instance, independent branches side by side.

    python -m flows.pipeline                     everything that changed
    python -m flows.pipeline train@terrain       what this target needs; @terrain is a whole dataset
    python -m flows.pipeline --from select       select and what follows
    python -m flows.pipeline --dry               what would run, also with -S, and nothing is written
    python -m flows.pipeline -S datasets.terrain.train.steps=200
    python -m flows.pipeline --seal              and commit dvc.lock at the end, stamped on the runs

DVC decides whether a stage runs; the flow decides only when. `--single-item` in topological order makes parallel
branches safe: plain parallel `dvc repro` fails on shared upstream stages.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from prefect import State, flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.futures import wait
from prefect.runtime import flow_run
from prefect.task_runners import ThreadPoolTaskRunner

from flows.outside.away import check_prefect
from flows.outside.git import check_repository
from flows.scale import apply_overlay
from flows.seal import seal as commit_lock
from flows.stages.artifacts import publish_outcomes
from flows.stages.checkout import assignments, checkout, nested
from flows.stages.form import hide
from flows.stages.graph import Plan, chosen, named, ordered, read_plan
from flows.stages.repro import UNCHANGED, Children, StageFailed, patient
from tasks.core import yaml12
from tasks.core.command import told
from tasks.core.settings import ROOT


@task(cache_policy=NO_CACHE, persist_result=False)
def seal(root: str) -> str:
    """Commit `dvc.lock` alone and stamp the runs with that commit; returns it."""
    commit = commit_lock(Path(root))
    get_run_logger().info("dvc.lock is sealed in %s", commit)
    return commit


def run_name() -> str:
    """What a run of the flow does, as its name: `train@terrain lr=0.001`, `everything from select`, `dry run of …`."""
    given = flow_run.parameters
    what = " ".join(given["targets"]) or "everything"
    start = f" from {given['start']}" if given["start"] else ""
    values = "".join(f" {name.rpartition('.')[2]}={value}" for name, value in given["params"].items())
    name = f"{'dry run of ' if given['dry'] else ''}{what}{start}{values}"
    return name if len(name) <= 120 else f"{name[:119]}…"


@flow(
    name="pipeline",
    flow_run_name=run_name,
    persist_result=False,
    task_runner=ThreadPoolTaskRunner(max_workers=os.cpu_count() or 1),
)
def pipeline(
    targets: list[str] = [],  # noqa: B006 - Prefect shows the defaults as a form
    start: str | None = None,
    dry: bool = False,
    root: str = str(ROOT),
    params: dict[str, Any] = {},  # noqa: B006
    force: list[str] = [],  # noqa: B006
    sealed: bool = False,
) -> dict[str, str]:
    """Run the chosen part of DVC's graph; returns each stage's outcome.

    If a stage fails, branches that do not need it still run; the flow then fails at the end and names the stage.

    Args:
        targets: what to bring up to date: `train@terrain`, `train` (of every dataset), `@terrain` (a whole dataset).
            Empty means everything.
        start: run only this stage and the stages after it, such as `select`.
        dry: show what would run, as a table of the flow run, and run nothing.
        root: the checkout.
        params: values to write into params.yaml first, as {"datasets.terrain.train.steps": 200}. They stay there.
        force: stages to run even if DVC finds no change, such as `acquire@terrain`.
        sealed: commit dvc.lock alone at the end, and stamp the runs with that commit.
    """
    log = get_run_logger()
    place = Path(root)
    with checkout(place, {} if dry else params, log.info):
        plan = read_plan(place)
        graph = chosen(plan.graph, targets, start)
        forced = named(graph, force)
        if dry:
            verdicts = would(graph, plan, forced | touched(params, graph, place))
            publish_outcomes(verdicts, place, log, "What would run")
            log.info(_count(verdicts))
            return verdicts
        outcomes = _run(graph, plan, forced, place)
    publish_outcomes(outcomes, place, log)
    failed = [stage for stage, outcome in outcomes.items() if outcome == "failed"]
    if failed:
        raise StageFailed(f"{', '.join(failed)} failed; {_count(outcomes)}")
    log.info(_count(outcomes))
    if sealed:
        seal(root)
    return outcomes


hide(pipeline, "root")


def _run(graph: dict[str, set[str]], plan: Plan, forced: set[str], root: Path) -> dict[str, str]:
    """Submit every stage with its needs and wait for all of them; returns how each ended."""
    settings, futures = yaml12.load((root / "params.yaml").read_text()), {}
    with Children() as children:
        for stage in ordered(graph):
            futures[stage] = patient(stage, settings, children).submit(
                stage,
                str(root),
                needs=[futures[need] for need in sorted(graph[stage])],
                settled=stage in plan.unchanged,
                force=stage in forced,
                children=children,
            )
        wait(list(futures.values()))
    return {stage: _outcome(future.state) for stage, future in futures.items()}


def would(graph: dict[str, set[str]], plan: Plan, forced: set[str]) -> dict[str, str]:
    """What a run would do. A stage after a changed one runs only if the changed one writes other bytes."""
    verdicts: dict[str, str] = {}
    for stage in ordered(graph):
        before = [need for need in sorted(graph[stage]) if verdicts[need] != UNCHANGED]
        if stage in forced or stage not in plan.unchanged:
            verdicts[stage] = "would run, or be restored from cache"
        else:
            verdicts[stage] = f"unchanged, unless {before[0]} writes something else" if before else UNCHANGED
    return verdicts


def _outcome(state: State[str]) -> str:
    if state.is_completed():
        return state.result()
    return "failed" if state.is_failed() else "not reached"


def _count(outcomes: dict[str, str]) -> str:
    values = [value.partition(", unless")[0] for value in outcomes.values()]
    return ", ".join(f"{values.count(value)} {value}" for value in dict.fromkeys(values))


def touched(params: Mapping[str, Any], graph: Iterable[str], root: Path) -> set[str]:
    """Return the stages of `graph` that read a parameter which `params` would change; nothing is written.

    Raises LandloomError for a wrong name or value.
    """
    if not params:
        return set()
    names = [name for name, _, _ in apply_overlay(nested(params), write=False, root=root)]

    def reads(stage: str) -> bool:
        room, dataset = stage.split("@")
        return any(name == "seed" or f"{name}.".startswith(f"datasets.{dataset}.{room}.") for name in names)

    return {stage for stage in graph if reads(stage)}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m flows.pipeline", description=__doc__.splitlines()[0])
    parser.add_argument("targets", nargs="*", help="stages, as `train` or `train@terrain`; all when left out")
    parser.add_argument("--from", dest="start", help="only this stage and what follows it")
    parser.add_argument("--dry", action="store_true", help="print what would run, and run nothing")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="number of stages at the same time")
    parser.add_argument("-S", "--set-param", action="append", default=[], help="NAME=VALUE, written into params.yaml")
    parser.add_argument("--force", action="append", default=[], help="a stage to run although nothing changed")
    parser.add_argument("--seal", action="store_true", help="commit dvc.lock at the end, and stamp the runs with it")
    given = parser.parse_args()
    runner = ThreadPoolTaskRunner(max_workers=given.jobs)
    with told(StageFailed, ValueError):
        check_repository(ROOT)
        check_prefect()
        outcomes = pipeline.with_options(task_runner=runner)(
            *(given.targets, given.start, given.dry),
            params=assignments(given.set_param),
            force=given.force,
            sealed=given.seal,
        )
    print_outcomes(outcomes)


def print_outcomes(outcomes: dict[str, str]) -> None:
    """Print one line for each stage."""
    for stage, outcome in outcomes.items():
        print(f"{stage}: {outcome}")


if __name__ == "__main__":
    main()
