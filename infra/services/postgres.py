"""PostgreSQL as a process: its own cluster, with a role and a database for each service."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from infra.services.processes import HOST, Services, free_port, launch, write_private
from tasks.core.errors import LandloomError


def start_postgres(services: Services, databases: Sequence[str]) -> None:
    """Start it and make missing databases. Raises LandloomError where that is impossible."""
    bin_folder = _postgres_bin()
    data, log = services.folder / "postgres", services.folder / "postgres.log"
    owner = _postgres_owner(services.folder)
    if not (data / "PG_VERSION").exists():
        shutil.rmtree(data, ignore_errors=True)  # left by an interrupted start
        data.mkdir(mode=0o700)
        if owner:
            shutil.chown(data, owner)
        password = services.folder / "initdb.password"
        try:
            write_private(password, services.passwords["admin"] + "\n")
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
    if services.running("postgres") is None:
        _run(services, bin_folder, data, log, owner)
    for name in databases:
        _admin_query(services, name)


def _run(services: Services, bin_folder: Path, data: Path, log: Path, owner: str | None) -> None:
    """Start the server. Another process can take its port after the choice; then it starts on another one."""
    for last in (False, False, True):
        port = services.ports["postgres"] = free_port(services.ports["postgres"])
        settings = {"listen_addresses": HOST, "port": port, "unix_socket_directories": ""}
        command = [str(bin_folder / "postgres"), "-D", str(data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        try:
            ready = launch(
                services, "postgres", command, log, lambda: bool(_admin_query(services)), cwd="/", **_as(owner)
            )
            return ready()
        except LandloomError:
            if last or free_port(port) == port:  # the port is not the reason
                raise


def _admin_query(services: Services, create: str | None = None) -> bool | None:
    """Make a service's role and database where they are missing; None where PostgreSQL does not answer yet."""
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


def _postgres_bin() -> Path:
    """The folder of `initdb` and `postgres`, which Debian does not put on the path."""
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
    """The user who runs PostgreSQL, which refuses root. Raises LandloomError if the folder is closed to that user."""
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
