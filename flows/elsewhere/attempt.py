"""One attempt: a machine of a pool, or one that a command starts, runs the stage; its log is copied here."""

from __future__ import annotations

import logging
import os
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

from prefect import get_run_logger
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
    LogFilter,
    LogFilterFlowRunId,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import LogSort
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelling, Crashed

from flows.remote import FLOW, SIGN_OF_LIFE
from flows.worker import scrub

POLL_S = 2.0


class StageRefused(RuntimeError):
    """The stage refused its input and said why: another machine would refuse it too."""


class WorkerLost(RuntimeError):
    """The attempt ended without outputs: the machine died, or something outside the stage failed."""


def in_pool(pool: str | None, job: dict[str, str], silence_s: float) -> None:
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
            # If a person stops this flow, the remote run is stopped too. After an error (an unreachable server) it
            # continues, and the next attempt finds it.
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
    """Copy the run's log here until it ends; raises WorkerLost where nothing is logged for `silence_s`."""
    log, seen, heard, asked = get_run_logger(), 0, time.monotonic(), False
    logs = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run.id]))
    while True:
        run = client.read_flow_run(run.id)
        for entry in client.read_logs(logs, offset=seen, sort=LogSort.TIMESTAMP_ASC):
            seen, heard = seen + 1, time.monotonic()
            if entry.level < logging.ERROR and entry.message != SIGN_OF_LIFE:  # the run's state has the errors
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


def by_command(command: str, job: dict[str, str], root: Path) -> None:
    """Start a machine by a command that ends with the stage; the command finds the job in its environment."""
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
        # A launcher has its own exit codes and line prefixes; the worker's word `refused` is in the line all the same.
        refusals = [line.partition("refused: ")[2] for line in lines if "refused: " in line]
        if refusals:
            raise StageRefused(refusals[-1])
        raise WorkerLost(f"{job['stage']}: the command ended with {status}: {''.join(lines[-1:])}")
