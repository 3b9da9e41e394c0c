"""The pipeline as a Prefect flow: one task per stage instance, independent branches side by side.

    python -m flows.pipeline                     everything that changed
    python -m flows.pipeline train@terrain       what this target needs
    python -m flows.pipeline --from select       select and what follows
    python -m flows.pipeline --dry               what would run

DVC decides whether a stage runs; the flow decides only when. `--single-item` in topological order is
what makes parallel branches safe: plain parallel `dvc repro` fails on shared upstream stages.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

# An ephemeral server migrates its database first, which can take most of the default 20 seconds.
os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("DO_NOT_TRACK", "1")

from prefect import flow, get_run_logger, task  # noqa: E402 - reads the settings above when imported
from prefect.artifacts import create_table_artifact  # noqa: E402
from prefect.cache_policies import NO_CACHE  # noqa: E402
from prefect.futures import wait  # noqa: E402
from prefect.task_runners import ThreadPoolTaskRunner  # noqa: E402

from flows.graph import chosen, ordered, read_graph  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
NETWORK_STAGES = ("acquire", "caption")
"""Stages that may touch a network: only they are worth trying again."""

OUTCOMES = (  # what DVC prints, and what it means
    ("Running stage", "ran"),
    ("is cached - skipping run", "restored from cache"),
    ("didn't change, skipping", "unchanged"),
)


class StageFailed(RuntimeError):
    """A stage's command ended with an error; the message is its last line."""


@task(task_run_name="{stage}", cache_policy=NO_CACHE, persist_result=False)
def repro(stage: str, root: str, dry: bool) -> str:
    """Bring one stage up to date; returns `ran`, `restored from cache` or `unchanged`.

    Everything the stage prints goes to the flow's log, line by line.
    """
    log = get_run_logger()
    command = [sys.executable, "-m", "dvc", "--wait-for-lock", "repro", "--single-item", stage]
    process = subprocess.Popen(
        [*command, "--dry"] if dry else command,
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"},
    )
    lines = []
    for line in process.stdout or ():
        if line.strip():
            lines.append(line.strip())
            log.info(line.rstrip())
    if process.wait() != 0:
        # DVC's own last line names the stage; the one before it is the stage's own word.
        told = [line for line in lines if line.startswith(stage.split("@")[0])] or lines[-1:]
        raise StageFailed(f"{stage}: {told[-1] if told else 'no output'}")
    return next((meaning for words, meaning in OUTCOMES if any(words in line for line in lines)), "unchanged")


@flow(name="pipeline", persist_result=False)
def pipeline(
    targets: Sequence[str] = (), start: str | None = None, dry: bool = False, root: str = str(ROOT)
) -> dict[str, str]:
    """Run the chosen part of DVC's graph; returns each stage's outcome.

    A failed stage leaves branches that do not need it running; the flow fails at the end and names it.
    """
    graph = chosen(read_graph(Path(root)), targets, start)
    futures = {}
    for stage in ordered(graph):
        name = stage.split("@")[0]
        patient = repro.with_options(retries=3, retry_delay_seconds=[10, 60, 300]) if name in NETWORK_STAGES else repro
        futures[stage] = patient.submit(stage, root, dry, wait_for=[futures[need] for need in sorted(graph[stage])])
    wait(list(futures.values()))
    outcomes = {stage: _outcome(future.state) for stage, future in futures.items()}
    create_table_artifact(
        key="stages", table=[{"stage": stage, "outcome": outcome} for stage, outcome in outcomes.items()]
    )
    failed = [stage for stage, outcome in outcomes.items() if outcome == "failed"]
    if failed:
        raise StageFailed(f"{', '.join(failed)} failed; {_count(outcomes)}")
    get_run_logger().info(_count(outcomes))
    return outcomes


def _outcome(state: object) -> str:
    if state.is_completed():
        return state.result()
    return "failed" if state.is_failed() else "not reached"


def _count(outcomes: dict[str, str]) -> str:
    values = list(outcomes.values())
    return ", ".join(f"{values.count(value)} {value}" for value in dict.fromkeys(values))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m flows.pipeline", description=__doc__.splitlines()[0])
    parser.add_argument("targets", nargs="*", help="stages, as `train` or `train@terrain`; all when left out")
    parser.add_argument("--from", dest="start", help="only this stage and what follows it")
    parser.add_argument("--dry", action="store_true", help="say what would run")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="branches side by side")
    arguments = parser.parse_args()
    runner = ThreadPoolTaskRunner(max_workers=arguments.jobs)
    try:
        outcomes = pipeline.with_options(task_runner=runner)(arguments.targets, arguments.start, arguments.dry)
    except (StageFailed, ValueError) as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    for stage, outcome in outcomes.items():
        print(f"{stage}: {outcome}")


if __name__ == "__main__":
    main()
