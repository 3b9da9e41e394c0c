"""The services of compose.yaml as plain processes, for machines where containers cannot run.

    python -m infra.services.local start     PostgreSQL, MLflow and Prefect on it, S3 where a server is installed
    source .landloom/services/env            sets the addresses and keys for clients in this shell
    python -m infra.services.local status
    python -m infra.services.local stop

Everything listens on 127.0.0.1, is stored under `.landloom/services`, and stays there over `stop` and `start`. The
first start makes the passwords. They stand in one file that only its owner can read, never on a command line.
"""

from __future__ import annotations

import argparse
import secrets
import shlex
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import psutil

from infra.services.postgres import start_postgres
from infra.services.processes import HOST, Services, free_port, launch, write_private
from tasks.core.command import told
from tasks.core.errors import LandloomError
from tasks.core.settings import ROOT

PORTS = {"postgres": 5432, "s3": 7070, "mlflow": 5000, "prefect": 4200}  # or a free one where these are taken
DATABASES = ("mlflow", "prefect")
BUCKET = "landloom"


def start(folder: Path, s3: str | None = None) -> Services:
    """Start the services that do not run and wait until each answers. Raises LandloomError with a service's log."""
    folder.mkdir(parents=True, exist_ok=True)
    services = Services.read(folder)
    for name in ("admin", *DATABASES, "s3"):
        services.passwords.setdefault(name, secrets.token_urlsafe(24))
    for name, port in PORTS.items():
        if services.running(name) is None:
            services.ports[name] = free_port(services.ports.get(name, port))
    services.s3 = s3 or services.s3
    services.write()
    start_postgres(services, DATABASES)
    _start_s3(services)
    for wait in (_start_mlflow(services), _start_prefect(services)):  # side by side: both make tables first
        wait()
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in services.client_environment().items()]
    write_private(folder / "env", "".join(lines))
    return services


def stop(folder: Path) -> list[str]:
    """Stop the running services, clients of the database first; returns their names."""
    services = Services.read(folder)
    stopped = []
    for names in (("prefect", "mlflow"), ("s3", "postgres")):
        running = {name: process for name in names if (process := services.running(name))}
        family = [member for process in running.values() for member in (process, *process.children(recursive=True))]
        for process in running.values():
            process.send_signal(signal.SIGINT)  # for PostgreSQL: end the sessions, write everything, exit
        _, left = psutil.wait_procs(family, timeout=20)
        for straggler in left:
            straggler.kill()
        psutil.wait_procs(left, timeout=5)
        for name in names:
            services.processes.pop(name, None)
        stopped += running
    if services.ports:
        services.write()
    return stopped


def _start_s3(services: Services) -> None:
    """Start versitygw if it is installed and no other server was named; make the bucket."""
    gateway = shutil.which("versitygw")
    ours = services.s3 is None or services.s3 == f"http://{HOST}:{services.ports['s3']}"
    if ours and gateway is None:
        services.s3 = None
        return
    if ours:
        data = services.folder / "s3"
        data.mkdir(exist_ok=True)
        services.s3 = f"http://{HOST}:{services.ports['s3']}"
        env = {"ROOT_ACCESS_KEY_ID": "landloom", "ROOT_SECRET_ACCESS_KEY": services.passwords["s3"]}
        env |= {"VGW_PORT": f"{HOST}:{services.ports['s3']}", "VGW_HEALTH": "/health"}
        health = f"{services.s3}/health"
        launch(services, "s3", [gateway, "posix", str(data)], services.folder / "s3.log", _answers(health), env=env)()
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    from infra.services.bucket import make

    known = services.storage_environment()
    client = boto3.client(
        "s3",
        endpoint_url=services.s3,
        region_name=known["AWS_DEFAULT_REGION"],
        aws_access_key_id=known["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=known["AWS_SECRET_ACCESS_KEY"],
    )
    try:
        make(client, BUCKET)
    except (BotoCoreError, ClientError) as error:
        raise LandloomError(f"S3 ({services.s3}): cannot make the bucket {BUCKET!r}: {error}") from None


def _start_mlflow(services: Services) -> Callable[[], None]:
    port = services.ports["mlflow"]
    place = f"s3://{BUCKET}/mlflow" if services.s3 else str(services.folder / "artifacts")
    env = {
        **services.storage_environment(),
        "MLFLOW_BACKEND_STORE_URI": services.database("mlflow", "postgresql+psycopg2"),
    }
    env["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"  # seven idle processes for features we do not use
    if services.s3:
        env["MLFLOW_S3_ENDPOINT_URL"] = services.s3
    command = [sys.executable, "-m", "mlflow", "server", "--host", HOST, "--port", str(port), "--workers", "2"]
    command += ["--artifacts-destination", place]
    return launch(
        services,
        "mlflow",
        command,
        services.folder / "mlflow.log",
        _answers(f"http://{HOST}:{port}/health"),
        env=env,
    )


def _start_prefect(services: Services) -> Callable[[], None]:
    port = services.ports["prefect"]
    env = {
        "PREFECT_HOME": str(services.folder / "prefect"),
        "PREFECT_API_DATABASE_CONNECTION_URL": services.database("prefect", "postgresql+asyncpg"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_API_URL": f"http://{HOST}:{port}/api",  # the address that the pages of the UI use
    }
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", HOST, "--port", str(port)]
    return launch(
        services,
        "prefect",
        command,
        services.folder / "prefect.log",
        _answers(f"http://{HOST}:{port}/api/health"),
        env=env,
    )


def _answers(url: str) -> Callable[[], bool]:
    import httpx

    def ask() -> bool:
        try:
            return httpx.get(url, timeout=3, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    return ask


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m infra.services.local", description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("start", "stop", "status"))
    parser.add_argument("--folder", type=Path, default=ROOT / ".landloom" / "services", help="where everything is kept")
    parser.add_argument("--s3", help="address of an S3 server that is there already; its keys come from AWS_*")
    given = parser.parse_args()
    with told():
        if given.what == "start":
            start(given.folder.resolve(), given.s3)
            print(f"source {given.folder / 'env'}")
        elif given.what == "stop":
            print("stopped: " + (", ".join(stop(given.folder.resolve())) or "nothing ran"))
        else:
            services = Services.read(given.folder.resolve())
            for name, port in services.ports.items():
                print(f"{name}: {f'http://{HOST}:{port}' if services.running(name) else 'not running'}")


if __name__ == "__main__":
    main()
