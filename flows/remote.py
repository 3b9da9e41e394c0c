"""The worker's side in Prefect: a flow that runs one stage at one commit, and the pool that it waits in.

    python -m flows.remote gpu                      register the pool `gpu`, and serve it from this machine
    python -m flows.remote cluster --type kubernetes --register-only

The flow runs `flows/worker.py` and connects it with Prefect's log, state and cancellation. Keys come from the
environment of the machine that serves the pool. The parameters of a flow run contain addresses without passwords.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from pathlib import Path

from prefect import flow, get_run_logger
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.exceptions import ObjectAlreadyExists
from prefect.states import Completed, Failed, State
from prefect.types.entrypoint import EntrypointType
from prefect.workers.process import ProcessWorker

from flows.worker import REFUSED
from tasks.core.settings import ROOT

TEMPLATES = {"kubernetes": ROOT / "infra" / "kubernetes" / "pool.json"}
FLOW = "remote-stage"
SIGN_OF_LIFE = "still at work"
SIGNS = 10
"""Number of signs of life that a silent stage gives within `silence_s`."""


@flow(name=FLOW, flow_run_name="{stage} at {commit}", persist_result=False)
def remote_stage(
    stage: str,
    commit: str,
    repository: str,
    remote: str | None = None,
    tracking_uri: str | None = None,
    silence_s: float = 300.0,
) -> State:
    """Run the stage here and push its outputs; ends as `Refused` where another attempt would fail the same way."""
    log = get_run_logger()
    command = [sys.executable, str(ROOT / "flows" / "worker.py"), "--stage", stage, "--commit", commit]
    command += ["--repository", repository, *(["--remote", remote] if remote else [])]
    env = dict(os.environ)
    if tracking_uri:
        env.setdefault("MLFLOW_TRACKING_URI", tracking_uri)  # this machine may know the server by another address
    process = subprocess.Popen(
        command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    lines: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_pour, args=(process, lines), daemon=True).start()
    last = ""
    try:
        while True:
            try:
                line = lines.get(timeout=silence_s / SIGNS)
            except queue.Empty:
                log.info(SIGN_OF_LIFE)
                continue
            if line is None:
                break
            last = line
            log.info(line)
        status = process.wait()
    finally:
        if process.poll() is None:  # cancelled: training saves a checkpoint before it ends
            process.terminate()
            process.wait()
    if status == 0:
        return Completed(message=last)
    return Failed(name="Refused" if status == REFUSED else "Stopped", message=last)


def _pour(process: subprocess.Popen[str], lines: queue.Queue[str | None]) -> None:
    for line in process.stdout or ():
        lines.put(line.rstrip())
    lines.put(None)


def register(pool: str, kind: str = "process") -> None:
    """Make the work pool if there is none, and the deployment `remote-stage/<pool>` in it."""
    if kind in TEMPLATES:
        job = json.loads(TEMPLATES[kind].read_text())
    else:
        job = ProcessWorker.get_default_base_job_template()
        # With the command given, Prefect does not look for a project to install, which saves two processes a run.
        job["variables"]["properties"]["command"]["default"] = "python -m prefect.engine"
    with get_client(sync_client=True) as client, contextlib.suppress(ObjectAlreadyExists):
        client.create_work_pool(WorkPoolCreate(name=pool, type=kind, base_job_template=job))
    # By module path: the worker has this code on its path, so Prefect need not fetch it.
    deployment = remote_stage.to_deployment(name=pool, work_pool_name=pool, entrypoint_type=EntrypointType.MODULE_PATH)
    deployment.entrypoint = "flows.remote.remote_stage"
    deployment.apply()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m flows.remote", description=__doc__.splitlines()[0])
    parser.add_argument("pool", help="the name of the work pool")
    parser.add_argument("--type", choices=["process", *TEMPLATES], default="process")
    parser.add_argument("--register-only", action="store_true", help="start no worker here")
    arguments = parser.parse_args()
    register(arguments.pool, arguments.type)
    if arguments.register_only:
        return
    env = dict(os.environ)  # for the worker's processes: this code on their path, and this interpreter as `python`
    for name, first in {"PYTHONPATH": ROOT, "PATH": Path(sys.executable).parent}.items():
        env[name] = os.pathsep.join(filter(None, [str(first), env.get(name)]))
    worker = ["worker", "start", "--pool", arguments.pool, "--type", arguments.type, "--limit", "1"]
    os.execve(sys.executable, [sys.executable, "-m", "prefect", *worker], env)


if __name__ == "__main__":
    main()
