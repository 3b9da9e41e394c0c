"""Run one stage on another machine and bring its outputs back, as if it had run here.

    python -m flows.dispatch train@terrain --pool gpu
    python -m flows.dispatch train@terrain --command "sky jobs launch -y infra/skypilot/train.sky.yaml …"

The other machine gets a stage and a commit, and nothing else; what it made comes back through DVC's run
cache. Only this side writes `dvc.lock`. A machine that dies is replaced: the same stage is asked for again
after a while, and training goes on from its last checkpoint. docs/workers.md says how to start the machines.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import re
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("DO_NOT_TRACK", "1")

from prefect import flow, get_run_logger, task  # noqa: E402 - reads the settings above when imported
from prefect.cache_policies import NO_CACHE  # noqa: E402
from prefect.client.orchestration import SyncPrefectClient, get_client  # noqa: E402
from prefect.client.schemas.filters import (  # noqa: E402
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
    LogFilter,
    LogFilterFlowRunId,
)
from prefect.client.schemas.objects import FlowRun, StateType  # noqa: E402
from prefect.client.schemas.sorting import LogSort  # noqa: E402
from prefect.deployments import run_deployment  # noqa: E402
from prefect.exceptions import ObjectNotFound  # noqa: E402
from prefect.states import Cancelling, Crashed  # noqa: E402
from prefect.tasks import exponential_backoff  # noqa: E402

from flows.outside.git import ask, git  # noqa: E402
from flows.remote import FLOW, SIGN_OF_LIFE  # noqa: E402
from flows.stages.graph import chosen, read_graph  # noqa: E402
from flows.stages.repro import stand_aside  # noqa: E402
from flows.worker import data_deps, scrub  # noqa: E402
from tasks.core.command import told  # noqa: E402
from tasks.core.errors import LandloomError  # noqa: E402
from tasks.core.settings import ROOT  # noqa: E402

POLL_S = 2.0


class StageRefused(RuntimeError):
    """The stage said why it will not run: another machine would say the same."""


class WorkerLost(RuntimeError):
    """The attempt ended without outputs: its machine died, or something around the stage failed."""


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
        repository: where the worker clones from; the address of git's `origin` when left out.
        remote: address of the DVC remote, for a worker to which the repository's own is unknown.
        retries: how many machines may be lost. wait_s: before the first new attempt; doubles each time.
        silence_s: a worker that says nothing for so long is gone (it would say that it is still at work).
    Returns:
        `unchanged` or `restored from cache`.
    Raises:
        LandloomError: the stage cannot be sent away as things are here. StageRefused, WorkerLost: see there.
    """
    folder, log = Path(root), get_run_logger()
    # First: on a schedule, the outputs of last time may not be committed yet, and need no machine.
    if stage in read_graph(folder) and not changed(folder, {stage}):
        log.info(f"{stage} is up to date")
        return "unchanged"
    job = prepared(stage, repository, remote, folder)
    log.info(f"pushing what {stage} reads")
    _dvc(folder, "push", "--quiet", *data_deps(stage, folder))
    attempt = elsewhere.with_options(
        retries=retries,
        retry_delay_seconds=exponential_backoff(wait_s),
        retry_condition_fn=lambda _task, _run, state: not isinstance(_error(state), StageRefused),
    )
    attempt(job, pool, command, silence_s, root)
    return restore(stage, folder)


@task(task_run_name="{job[stage]}", cache_policy=NO_CACHE, persist_result=False)
def elsewhere(job: dict[str, str], pool: str | None, command: str | None, silence_s: float, root: str) -> None:
    """One attempt: ask a machine for the stage, and read along until it ends."""
    if command:
        _by_command(command, job, Path(root))
    else:
        _in_pool(pool, job, silence_s)


def prepared(stage: str, repository: str | None, remote: str | None, root: Path) -> dict[str, str]:
    """What a worker must be told, after everything that would fail there was looked at here."""
    dirty = git(root, "status", "--porcelain", "--untracked-files=no").splitlines()
    dirty += [f"?? {name}" for name in git(root, "ls-files", "-o", "--exclude-standard", "--", "*.py").splitlines()]
    if dirty:
        raise LandloomError(
            f"{stage}: what is not committed does not reach another machine: {', '.join(dirty[:5])}"
            f"{' …' if len(dirty) > 5 else ''}; commit it (dvc.lock too: it says which data to fetch), then ask again"
        )
    repository = repository or ask(root, "config", "--get", "remote.origin.url")
    if not repository:
        raise LandloomError("there is no git remote `origin` to clone from: name one with --repository")
    job = described(stage, git(root, "rev-parse", "HEAD").strip(), repository, remote)
    _reachable(job["commit"], repository, root)
    if not remote and not _dvc(root, "config", "--project", "core.remote", check=False):
        # .dvc/config.local is this machine's own: no clone has it.
        raise LandloomError(
            ".dvc/config has no default remote to exchange data by: `dvc remote add -d NAME ADDRESS` and commit it, or "
            "name one with --remote"
        )
    graph = read_graph(root)
    if stage not in graph:
        raise LandloomError(f"dvc.yaml: there is no stage {stage!r}; there are {', '.join(sorted(graph))}")
    stale = changed(root, set(chosen(graph, [stage])) - {stage})
    if stale:
        raise LandloomError(
            f"{stage}: {', '.join(stale)} must run first: `dvc repro {' '.join(sorted(graph[stage]))}`, "
            "commit dvc.lock, then ask again"
        )
    return job


def described(stage: str, commit: str, repository: str, remote: str | None) -> dict[str, str]:
    """The job as a Prefect server may keep it: addresses without passwords, and nothing else of the environment."""
    job = {"stage": stage, "commit": commit, "repository": repository}
    if remote:
        job["remote"] = remote
    for name, address in job.items():
        if _has_password(address):
            raise LandloomError(f"--{name}: leave the password out of the address; give it to the worker's environment")
    tracking = os.environ.get("MLFLOW_TRACKING_URI", "")
    if tracking.startswith("http") and not _has_password(tracking):  # a file of this machine means nothing elsewhere
        job["tracking_uri"] = tracking
    return job


def changed(root: Path, stages: set[str]) -> list[str]:
    """Which of `stages` DVC would run, or would have to restore, sorted."""
    if not stages:  # to DVC no target means every one
        return []
    return sorted(json.loads(_dvc(root, "status", "--json", *sorted(stages))))


def restore(stage: str, root: Path) -> str:
    """Bring the outputs here through the run cache; this writes `dvc.lock`, and never runs the stage."""
    # DVC runs a stage by $SHELL. One that refuses turns "not in the run cache" into an error, and not into
    # hours of training on the wrong machine.
    command = ("--wait-for-lock", "repro", "--pull", "--single-item", stage)
    said = _dvc(root, *command, check=False, SHELL="/bin/false")
    if "is cached - skipping run" in said:
        return "restored from cache"
    if "didn't change, skipping" in said:
        return "unchanged"
    _dvc(root, "checkout", "--quiet", stage, check=False)
    raise WorkerLost(f"{stage}: the worker ended well, but its outputs are not in the DVC remote that is used here")


def _in_pool(pool: str | None, job: dict[str, str], silence_s: float) -> None:
    log, tag = get_run_logger(), f"{job['stage']}@{job['commit'][:12]}"
    with get_client(sync_client=True) as client:
        run = _under_way(client, tag)
        if run is not None:
            log.info("it is under way already, asked for by an earlier dispatch")
        else:
            try:
                parameters = {**job, "silence_s": silence_s}
                run = run_deployment(f"{FLOW}/{pool}", parameters=parameters, timeout=0, tags=[tag])
            except ObjectNotFound:
                raise StageRefused(f"there is no pool {pool!r}: `python -m flows.remote {pool}` makes one") from None
        try:
            run = _follow(client, run, silence_s)
        except BaseException as error:
            # Stopped by a person, we stop what we asked for. An error (the server was away) leaves it running: the
            # next attempt finds it under way.
            if not isinstance(error, Exception):
                client.set_flow_run_state(run.id, Cancelling())
            raise
    if run.state_name == "Refused":
        raise StageRefused(run.state.message.removeprefix("refused: "))
    if not run.state.is_completed():
        raise WorkerLost(f"{job['stage']}: {run.state_name}: {run.state.message}")


def _under_way(client: SyncPrefectClient, tag: str) -> FlowRun | None:
    alive = [StateType.SCHEDULED, StateType.PENDING, StateType.RUNNING]
    state = FlowRunFilterState(type=FlowRunFilterStateType(any_=alive))
    runs = client.read_flow_runs(flow_run_filter=FlowRunFilter(tags=FlowRunFilterTags(all_=[tag]), state=state))
    return runs[0] if runs else None


def _follow(client: SyncPrefectClient, run: FlowRun, silence_s: float) -> FlowRun:
    """Repeat the run's log here until it ends; WorkerLost where it falls silent."""
    log, seen, heard, asked = get_run_logger(), 0, time.monotonic(), False
    logs = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run.id]))
    while True:
        run = client.read_flow_run(run.id)
        for entry in client.read_logs(logs, offset=seen, sort=LogSort.TIMESTAMP_ASC):
            seen, heard = seen + 1, time.monotonic()
            if entry.level < logging.ERROR and entry.message != SIGN_OF_LIFE:  # errors come as the run's state
                log.info(entry.message)
        if run.state.is_final():
            return run
        if run.state.is_running() and time.monotonic() - heard > silence_s:
            client.set_flow_run_state(run.id, Crashed(message="its worker fell silent"), force=True)
            raise WorkerLost(f"nothing was heard for {silence_s:.0f} s")
        waited = datetime.now(UTC) - run.created
        if not run.state.is_running() and not asked and waited.total_seconds() > 60:
            asked = True
            log.warning(f"no machine has taken it yet: `python -m flows.remote {run.work_pool_name}` starts one")
        if not run.state.is_running():
            heard = time.monotonic()
        time.sleep(POLL_S)


def _by_command(command: str, job: dict[str, str], root: Path) -> None:
    """Start a machine by a command that ends when the stage has ended; the job is in its environment."""
    log = get_run_logger()
    env = {f"LANDLOOM_{name.upper()}": value for name, value in job.items() if name != "tracking_uri"}
    process = subprocess.Popen(
        command,
        shell=True,
        cwd=root,
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines = []
    try:
        for line in process.stdout or ():
            lines.append(scrub(line.rstrip()))
            log.info(lines[-1])
        status = process.wait()
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
    if status != 0:
        # A launcher has exit codes and prefixes of its own; the worker's word for a refusal comes through.
        refusals = [line.partition("refused: ")[2] for line in lines if "refused: " in line]
        if refusals:
            raise StageRefused(refusals[-1])
        raise WorkerLost(f"{job['stage']}: the command ended with {status}: {''.join(lines[-1:])}")


def _reachable(commit: str, repository: str, root: Path) -> None:
    """Is the commit part of what the worker's repository gives out?"""
    heads = {line.split()[0] for line in git(root, "ls-remote", repository).splitlines()}
    if commit in heads:
        return
    known = [head for head in heads if ask(root, "cat-file", "-t", head) in ("commit", "tag")]
    if not any(ask(root, "merge-base", commit, head) == commit for head in known):
        raise LandloomError(f"commit {commit[:12]} is not in {scrub(repository)} yet: `git push` it, then ask again")


def _has_password(address: str) -> bool:
    """A password, or the token that stands alone before the host of a web address."""
    return re.match(r"https?://[^/@\s]+@|\w+://[^/@\s]*:[^/@\s]+@", address) is not None


def _error(state: Any) -> object:
    return state.result(raise_on_failure=False)


def _dvc(root: Path, *arguments: str, check: bool = True, **env: str) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    command, env = [sys.executable, "-m", "dvc", *arguments], {**os.environ, "PATH": path, **env}
    while True:
        done = subprocess.run(command, cwd=root, env=env, capture_output=True, text=True)
        if done.returncode == 0 or not stand_aside(done.stdout + done.stderr):
            break
    if check and done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or [done.stderr.strip()]
        raise LandloomError(f"dvc {arguments[0]}: {scrub(lines[-1])}")
    return done.stdout


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m flows.dispatch", description=__doc__.splitlines()[0])
    parser.add_argument("stage", help="one stage of one dataset, as train@terrain")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--pool", help="the Prefect work pool whose workers may take it")
    where.add_argument("--command", help="a command that starts a machine and ends with the stage")
    parser.add_argument("--repository", help="where the worker clones from; origin's address when left out")
    parser.add_argument("--remote", help="DVC remote, for workers to which the repository's own is unknown")
    parser.add_argument("--retries", type=int, default=5, help="how many machines may be lost")
    parser.add_argument("--wait-s", type=float, default=20.0, help="before the first new attempt; doubles each time")
    parser.add_argument("--silence-s", type=float, default=300.0, help="a worker silent for so long is gone")
    arguments = parser.parse_args()
    with told(StageRefused, WorkerLost):
        print(f"{arguments.stage}: {dispatch(**vars(arguments))}")


if __name__ == "__main__":
    main()
