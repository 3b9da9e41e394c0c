"""Run one stage on another machine and bring its outputs back, as if it had run here.

    python -m flows.dispatch train@terrain --pool gpu
    python -m flows.dispatch train@terrain --command "sky jobs launch -y infra/skypilot/train.sky.yaml …"

The other machine gets a stage and a commit, and nothing else. Its outputs come back through DVC's run cache, and with
them the record of its run, which MLflow of this checkout gets. Only this side writes `dvc.lock`. If the machine dies,
the flow requests the stage again after a wait, and training continues from its last checkpoint. docs/workers.md
explains how to start the machines.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.tasks import exponential_backoff

from flows.elsewhere.attempt import StageRefused, WorkerLost, by_command, in_pool
from flows.elsewhere.dvc import changed, dvc, restore
from flows.elsewhere.job import prepared
from flows.elsewhere.needs import needs
from flows.elsewhere.record import bring
from flows.stages.form import hide
from flows.stages.graph import read_graph
from tasks.core.command import told
from tasks.core.errors import LandloomError
from tasks.core.settings import ROOT


@flow(name="dispatch", flow_run_name="{stage} elsewhere", persist_result=False)
def dispatch(
    stage: str,
    pool: str | None = None,
    command: str | None = None,
    repository: str | None = None,
    remote: str | None = None,
    retries: int = 5,
    wait_s: float = 20.0,
    silence_s: float = 300.0,
    root: str = str(ROOT),
) -> str:
    """Run `stage` at the checked-out commit in `pool` (or by `command`), and restore its outputs here.

    Args:
        stage: one stage of one dataset, such as `train@terrain`.
        pool: the work pool whose machines may take it.
        command: a command that starts a machine and ends with the stage, in place of a pool.
        repository: where the worker clones from; the address of git's `origin` when left out.
        remote: address of the DVC remote, for a worker that does not know the repository's own remote.
        retries: number of machines that may be lost.
        wait_s: seconds before the first new attempt; doubles each time.
        silence_s: a worker that logs nothing for so long counts as lost (a living worker logs that it still works).
        root: the checkout.
    Returns:
        `unchanged` or `restored from cache`.
    Raises:
        LandloomError: the state of this checkout prevents it. StageRefused, WorkerLost: see there.
    """
    folder, log = Path(root), get_run_logger()
    # Checked first: on a schedule, the last outputs may be there but not committed, and need no machine.
    if stage in read_graph(folder) and not changed(folder, {stage}):
        log.info(f"{stage} is up to date")
        recorded_here(stage, folder, log)
        return "unchanged"
    job = prepared(stage, repository, remote, folder)
    log.info(f"pushing what {stage} reads")
    dvc(folder, "push", "--quiet", *needs(stage, folder))
    attempt = elsewhere.with_options(
        retries=retries,
        retry_delay_seconds=exponential_backoff(wait_s),
        retry_condition_fn=lambda _task, _run, state: not isinstance(_error(state), StageRefused),
    )
    attempt(job, pool, command, silence_s, root)
    outcome = restore(stage, folder)
    recorded_here(stage, folder, log)
    return outcome


hide(dispatch, "root")


def recorded_here(stage: str, root: Path, log: Any) -> None:
    """Bring the run into MLflow of this checkout. The outputs are here already, so a failure is only a warning."""
    try:
        log.info(f"{stage}: {bring(stage, root)}")
    except LandloomError as error:
        log.warning(f"{error}; `python -m flows.unsent` tries again")


@task(task_run_name="{job[stage]}", cache_policy=NO_CACHE, persist_result=False)
def elsewhere(job: dict[str, str], pool: str | None, command: str | None, silence_s: float, root: str) -> None:
    """One attempt: request the stage from a machine, and follow its log until it ends."""
    if command:
        by_command(command, job, Path(root))
    else:
        in_pool(pool, job, silence_s)


def _error(state: Any) -> object:
    return state.result(raise_on_failure=False)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m flows.dispatch", description=__doc__.splitlines()[0])
    parser.add_argument("stage", help="one stage of one dataset, as train@terrain")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--pool", help="the Prefect work pool whose workers may take it")
    where.add_argument("--command", help="a command that starts a machine and ends with the stage")
    parser.add_argument("--repository", help="where the worker clones from; origin's address when left out")
    parser.add_argument("--remote", help="DVC remote, for workers that do not know the repository's own")
    parser.add_argument("--retries", type=int, default=5, help="number of machines that may be lost")
    parser.add_argument("--wait-s", type=float, default=20.0, help="before the first new attempt; doubles each time")
    parser.add_argument("--silence-s", type=float, default=300.0, help="a worker silent for so long counts as lost")
    arguments = parser.parse_args()
    with told(StageRefused, WorkerLost):
        print(f"{arguments.stage}: {dispatch(**vars(arguments))}")


if __name__ == "__main__":
    main()
