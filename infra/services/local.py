"""The services of compose.yaml as plain processes, for machines where containers cannot run.

    python -m infra.services.local start     PostgreSQL, MLflow and Prefect on it, S3 where a server is installed
    source .landloom/services/env            what clients need to know, in this shell
    python -m infra.services.local status
    python -m infra.services.local stop

Everything listens on 127.0.0.1, lives under `.landloom/services`, and is there again after `stop` and `start`.
Passwords are made on the first start and stand in one file that only its owner can read, never on a command line.
"""

from __future__ import annotations

import argparse
import json
import os
import pwd
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tasks.errors import LandloomError

HOST = "127.0.0.1"
PORTS = {"postgres": 5432, "s3": 7070, "mlflow": 5000, "prefect": 4200}  # or a free one where these are taken
DATABASES = ("mlflow", "prefect")
BUCKET = "landloom"
START_S = 180  # the first start makes both servers' tables


@dataclass
class Services:
    """What is written down of one set of services: `state.json` in their folder, for its owner's eyes only."""

    folder: Path
    s3: str | None = None  # address of an S3 server that is not ours to start
    passwords: dict[str, str] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    processes: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Services:
        path = folder / "state.json"
        return cls(folder, **json.loads(path.read_text())) if path.exists() else cls(folder)

    def write(self) -> None:
        facts = {name: getattr(self, name) for name in ("s3", "passwords", "ports", "processes")}
        _write_private(self.folder / "state.json", json.dumps(facts, indent=2))

    def running(self, name: str) -> psutil.Process | None:
        """The service's process, or None; an id that the system gave to another process since does not count."""
        known = self.processes.get(name)
        try:
            process = psutil.Process(known["pid"]) if known else None
            alive = process and process.create_time() == known["since"] and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return None
        return process if alive else None

    def database(self, name: str, driver: str) -> str:
        return f"{driver}://{name}:{self.passwords[name]}@{HOST}:{self.ports['postgres']}/{name}"

    def client_environment(self) -> dict[str, str]:
        """What those who use the services need to know."""
        known = {
            "MLFLOW_TRACKING_URI": f"http://{HOST}:{self.ports['mlflow']}",
            "PREFECT_API_URL": f"http://{HOST}:{self.ports['prefect']}/api",
        }
        return known | self.storage_environment()

    def storage_environment(self) -> dict[str, str]:
        """Address and keys of the S3 storage; nothing where a folder stands for it."""
        if self.s3 is None:
            return {}
        keys = {name: os.environ.get(name, "") for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
        if "s3" in self.processes:
            keys = dict(zip(keys, ("landloom", self.passwords["s3"]), strict=True))
        return {**keys, "AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": self.s3}


def start(folder: Path, s3: str | None = None) -> Services:
    """Start what does not run yet, and wait until each answers. Raises LandloomError naming the service and its log."""
    folder.mkdir(parents=True, exist_ok=True)
    services = Services.read(folder)
    for name in ("admin", *DATABASES, "s3"):
        services.passwords.setdefault(name, secrets.token_urlsafe(24))
    for name, port in PORTS.items():
        if services.running(name) is None:
            services.ports[name] = _port(services.ports.get(name, port), services.ports.values())
    services.s3 = s3 or services.s3
    services.write()
    _start_postgres(services)
    _start_s3(services)
    for wait in (_start_mlflow(services), _start_prefect(services)):  # side by side: both make their tables first
        wait()
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in services.client_environment().items()]
    _write_private(folder / "env", "".join(lines))
    return services


def stop(folder: Path) -> list[str]:
    """Stop what runs, clients of the database first; returns the names of what was stopped."""
    services = Services.read(folder)
    stopped = []
    for names in (("prefect", "mlflow"), ("s3", "postgres")):
        running = {name: process for name in names if (process := services.running(name))}
        family = [member for process in running.values() for member in (process, *process.children(recursive=True))]
        for process in running.values():
            process.send_signal(signal.SIGINT)  # to PostgreSQL: end the sessions, write everything, leave
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


def _start_postgres(services: Services) -> None:
    bin_folder = _postgres_bin()
    data, log = services.folder / "postgres", services.folder / "postgres.log"
    owner = _postgres_owner(services.folder)
    if not (data / "PG_VERSION").exists():
        shutil.rmtree(data, ignore_errors=True)  # of a start that was cut short
        data.mkdir(mode=0o700)
        if owner:
            shutil.chown(data, owner)
        password = services.folder / "initdb.password"
        try:
            _write_private(password, services.passwords["admin"] + "\n")
            if owner:
                shutil.chown(password, owner)
            command = [str(bin_folder / "initdb"), "-D", str(data), "-U", "admin", "-A", "scram-sha-256"]
            command += ["-E", "UTF8", "--no-locale", f"--pwfile={password}"]
            done = subprocess.run(command, capture_output=True, text=True, cwd="/", **_as(owner))
        finally:
            password.unlink(missing_ok=True)
        if done.returncode != 0:
            shutil.rmtree(data, ignore_errors=True)
            raise LandloomError(f"PostgreSQL: initdb failed: {done.stderr.strip() or done.stdout.strip()}")
    settings = {"listen_addresses": HOST, "port": services.ports["postgres"], "unix_socket_directories": ""}
    command = [str(bin_folder / "postgres"), "-D", str(data)]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    _launch(services, "postgres", command, log, lambda: _admin_query(services) is not None, cwd="/", **_as(owner))()
    for name in DATABASES:
        _admin_query(services, name)


def _admin_query(services: Services, create: str | None = None) -> bool | None:
    """Make a role and a database of its own, where they are missing; None where PostgreSQL does not answer yet."""
    import psycopg2
    from psycopg2 import sql

    try:
        connection = psycopg2.connect(
            host=HOST,
            port=services.ports["postgres"],
            user="admin",
            password=services.passwords["admin"],
            dbname="postgres",
            connect_timeout=3,
        )
    except psycopg2.OperationalError:
        return None
    connection.autocommit = True
    with closing(connection), connection.cursor() as cursor:
        if create is not None:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [create])
            if cursor.fetchone() is None:
                who = sql.Identifier(create)
                cursor.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(who))
                password = sql.Literal(services.passwords[create])
                cursor.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(who, password))
                cursor.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(who, who))
    return True


def _start_s3(services: Services) -> None:
    """Start versitygw where it is installed and no other server was named; make the bucket."""
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
        _launch(services, "s3", [gateway, "posix", str(data)], services.folder / "s3.log", _answers(health), env=env)()
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
    return _launch(
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
        "PREFECT_API_URL": f"http://{HOST}:{port}/api",  # the pages of the UI ask here
    }
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", HOST, "--port", str(port)]
    return _launch(
        services,
        "prefect",
        command,
        services.folder / "prefect.log",
        _answers(f"http://{HOST}:{port}/api/health"),
        env=env,
    )


def _launch(
    services: Services,
    name: str,
    command: list[str],
    log: Path,
    ready: Callable[[], bool],
    env: dict[str, str] | None = None,
    cwd: str | None = None,
    **who: Any,
) -> Callable[[], None]:
    """Start a process that outlives this one, unless it runs already; returns what waits until it is ready."""
    if services.running(name) is not None:
        return lambda: None
    stale = ("MLFLOW_", "PREFECT_")  # what clients were told must not reach the servers
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(stale)}
    with log.open("a") as stream:
        process = subprocess.Popen(
            command,
            env={**inherited, "DO_NOT_TRACK": "1", "MLFLOW_DISABLE_TELEMETRY": "true", **(env or {})},
            cwd=cwd or services.folder,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
            **who,
        )
    services.processes[name] = {"pid": process.pid, "since": psutil.Process(process.pid).create_time()}
    services.write()
    deadline = time.monotonic() + START_S

    def wait() -> None:
        while not ready():
            if process.poll() is not None or time.monotonic() > deadline:
                last = (log.read_text(errors="replace").strip().splitlines() or ["it said nothing"])[-1]
                raise LandloomError(f"{name} did not start: {last} ({log})")
            time.sleep(0.2)

    return wait


def _answers(url: str) -> Callable[[], bool]:
    import httpx

    def ask() -> bool:
        try:
            return httpx.get(url, timeout=3, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    return ask


def _postgres_bin() -> Path:
    """The folder of `initdb` and `postgres`; Debian keeps them off the path."""
    found = shutil.which("initdb")
    if found and (beside := Path(found).resolve().parent / "postgres").exists():
        return beside.parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if not versions:
        raise LandloomError(
            "PostgreSQL is not installed here: `apt-get install postgresql`, or your system's own package"
        )
    return versions[-1].parent


def _postgres_owner(folder: Path) -> str | None:
    """PostgreSQL refuses to be run by root: then by whom. Raises LandloomError where that user cannot get in."""
    if os.geteuid() != 0:
        return None
    users = {entry.pw_name for entry in pwd.getpwall()}
    owner = "postgres" if "postgres" in users else "nobody"
    blocked = next((path for path in (folder, *folder.parents) if not path.stat().st_mode & 0o001), None)
    if blocked is not None:
        raise LandloomError(
            f"{blocked}: PostgreSQL does not run as root, and user {owner!r} cannot enter this folder; "
            "start the services as another user, or name another place with --folder"
        )
    return owner


def _as(owner: str | None) -> dict[str, Any]:
    if owner is None:
        return {}
    entry = pwd.getpwnam(owner)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _port(wanted: int, taken: Any) -> int:
    """`wanted`, or a free port where somebody listens on it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do, just after a stop
        try:
            probe.bind((HOST, wanted))
            return wanted
        except OSError:
            probe.bind((HOST, 0))
            return probe.getsockname()[1]


def _write_private(path: Path, text: str) -> None:
    """A file with mode 0600 from its first byte on."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(text)
    part.replace(path)


def main() -> None:
    """The command line."""
    root = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(prog="python -m infra.services.local", description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("start", "stop", "status"))
    parser.add_argument("--folder", type=Path, default=root / ".landloom" / "services", help="where everything is kept")
    parser.add_argument("--s3", help="address of an S3 server that is there already; its keys come from AWS_*")
    given = parser.parse_args()
    try:
        if given.what == "start":
            start(given.folder.resolve(), given.s3)
            print(f"source {given.folder / 'env'}")
        elif given.what == "stop":
            print("stopped: " + (", ".join(stop(given.folder.resolve())) or "nothing ran"))
        else:
            services = Services.read(given.folder.resolve())
            for name, port in services.ports.items():
                print(f"{name}: {f'http://{HOST}:{port}' if services.running(name) else 'not running'}")
    except LandloomError as error:
        print(error, file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
