"""A checkout that was moved or copied: where MLflow's database says that the files of its runs are.

MLflow records absolute addresses, also where it is given relative ones. After a move, runs would write to the old
place again, and those of a copy into the original.
"""

from __future__ import annotations

import fcntl
import sqlite3
import sys
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit

ARTIFACTS = "mlartifacts"
_COLUMNS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "storage_location"),
)


_ALIVE_S = 180.0  # without the lock, as between two machines: a run that sent a metric since then counts as at work
_RECORDING = ".landloom/recording.lock"


class InUse(RuntimeError):
    """A stage records into this database under another path of the same checkout."""


def recording(root: Path) -> IO[str]:
    """Tell other processes that a stage records into the database of this checkout, under whatever path they see it.

    The sign is a shared lock on a file, until the returned stream is closed or the process ends. Where the file system
    has no locks, the metrics of the run are the only sign.
    """
    (root / _RECORDING).parent.mkdir(parents=True, exist_ok=True)
    stream = (root / _RECORDING).open("a")
    with suppress(OSError):
        fcntl.flock(stream, fcntl.LOCK_SH)  # a process that looks holds it for a moment, which is waited for
    return stream


def settle(database: Path) -> None:
    """Let the database `mlflow.db` of a checkout name the folder `mlartifacts` beside it; print a line if runs did not.

    Every place in a folder of that name elsewhere counts as the place of this checkout before it was moved. A database
    that does not exist, or that holds other places only, stays as it is. So does one that is the same file under both
    paths: this machine reaches the old place too.

    Raises:
        InUse: a stage is at work under the old path, which this machine cannot see. A container and its host, or two
            machines, may have one checkout under two paths; the files of that run would go astray.
    """
    if not database.is_file():
        return
    here = (database.parent / ARTIFACTS).resolve()
    with closing(sqlite3.connect(database, timeout=60)) as connection, connection:
        known = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        columns = [(table, column) for table, column in _COLUMNS if table in known]
        if not columns:
            return
        places = {place for (place,) in connection.execute("SELECT artifact_location FROM experiments") if place}
        before = {old for place in places if (old := _folder(place)) and _path(old).resolve() != here}
        before = {old for old in before if not _same(_path(old).parent / database.name, database)}
        told = []
        for old in sorted(before, key=len, reverse=True):
            if not _path(old).exists() and (_recorded_into(database.parent) or _at_work(connection, old)):
                raise InUse(
                    f"a stage records into this {database.name} under another path, {_path(old).parent}; start this "
                    "one there too, or after that stage has ended"
                )
            for table, column in columns:
                done = connection.execute(
                    f"UPDATE {table} SET {column} = ? || substr({column}, ?) "
                    f"WHERE {column} = ? OR substr({column}, 1, ?) = ?",
                    (here.as_uri(), len(old) + 1, old, len(old) + 1, f"{old}/"),
                )
                told += [old] if table == "runs" and done.rowcount else []
    for old in told:
        line = f"this checkout was moved or copied: {database.name} now names {here}, and no longer {_path(old)}"
        print(line, file=sys.stderr, flush=True)


def _same(one: Path, other: Path) -> bool:
    return one.exists() and one.samefile(other)


def _recorded_into(root: Path) -> bool:
    """Whether a process holds the lock of `recording`. It works under the path that the database names."""
    if not (root / _RECORDING).exists():
        return False
    with (root / _RECORDING).open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:  # no locks on this file system
            return False
    return False


def _at_work(connection: sqlite3.Connection, old: str) -> bool:
    """Whether an unfinished run with its files in the folder `old` was heard of lately."""
    ((latest,),) = connection.execute(
        "SELECT max(max(start_time, coalesce((SELECT max(timestamp) FROM latest_metrics AS metric "
        "WHERE metric.run_uuid = runs.run_uuid), 0))) FROM runs "
        "WHERE status = 'RUNNING' AND substr(artifact_uri, 1, ?) = ?",
        (len(old) + 1, f"{old}/"),
    )
    return latest is not None and time.time() - latest / 1000 < _ALIVE_S


def _folder(place: str) -> str | None:
    """Return the part of an address up to the folder `mlartifacts`; None without one, or for another machine."""
    if "://" in place and not place.startswith("file:"):
        return None
    head, found, tail = place.rpartition(f"/{ARTIFACTS}")
    return f"{head}{found}" if found and (not tail or tail.startswith("/")) else None


def _path(place: str) -> Path:
    return Path(unquote(urlsplit(place).path))
