"""Connection to MLflow: its address, a quick check that it answers, and safe creation of the database.

The default database is sqlite at an absolute path under the repository. MLflow refuses file stores since version 3.13.
A relative path would create another database for each working directory.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tasks.runs.moved import ARTIFACTS, settle

EXPERIMENTS = "landloom/"  # one for each stage, because columns of a table mean something only within one
_FORMER = "landloom"  # earlier versions had one experiment for all stages
_SHOWN_AS = {"mlflow.experimentKind": "custom_model_development"}  # MLflow then shows its pages for training
_ANSWER_S = 5.0
_LOCK_KEY = 0x6C616E64  # an arbitrary constant, because a number identifies PostgreSQL's advisory locks
_SETTINGS = {  # a server that does not answer must cost seconds, not the minutes of the default settings
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "PGCONNECT_TIMEOUT": "5",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # MLflow would print the address with its password
}


def tracking_uri(root: Path) -> str:
    """Return `MLFLOW_TRACKING_URI`, or the address of the sqlite database under the repository."""
    return os.environ.get("MLFLOW_TRACKING_URI") or own_database(root)


def own_database(root: Path) -> str:
    """Return the address of the sqlite database under the repository."""
    return _address(root / "mlflow.db")


def _address(database: Path) -> str:
    """Return the address of an sqlite database. From version 2.1 on, SQLAlchemy reads `%41` in an address as `A`."""
    if "%" not in str(database):
        return f"sqlite:///{database}"
    from sqlalchemy import URL

    return URL.create("sqlite", database=str(database)).render_as_string()


def tracking_uri_shown() -> str:
    """Return the tracking address without credentials, for messages."""
    uri = os.environ.get("MLFLOW_TRACKING_URI") or "sqlite under the repository"
    return uri.split("@")[-1]


def connect(root: Path, room: str | None = None) -> tuple[Any, str]:
    """Connect to MLflow; return (client, id of the experiment of a stage, or "" without a stage).

    An unreachable server or database fails within seconds.

    Parallel processes that open a new database corrupt its migration. Therefore a lock lets one process create the
    tables and the experiment while the others wait.

    Raises:
        Exception: MLflow or its database cannot be reached.
    """
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    uri = tracking_uri(root)
    knock(uri)  # before the import of MLflow, which takes longer than a refusal
    from mlflow.tracking import MlflowClient

    if uri.startswith("http"):  # a server protects its own tables
        client = MlflowClient(uri, uri)
        return client, _experiment(client, room, None) if room else ""
    with _ready(uri, root):
        client = MlflowClient(uri, uri)
        return client, _experiment(client, room, (root / ARTIFACTS).as_uri()) if room else ""


def prepare(uri: str, root: Path) -> None:
    """Make the database at `uri` ready for a reader, as `connect` does. A checkout that is read-only stays as it is.

    Raises:
        Exception: the database cannot be reached.
    """
    if not uri.startswith("http") and os.access(root, os.W_OK):  # a server protects its own tables
        with _ready(uri, root):
            pass


@contextmanager
def _ready(uri: str, root: Path) -> Iterator[None]:
    """Hold the lock of a database that has its tables; that of the checkout is mended after the checkout was moved.

    Two processes that create tables at once corrupt them, and two that look for stages at work under another path take
    each other for such a stage. A database elsewhere has places of its own.
    """
    with _turn(uri, root):
        if uri == own_database(root):
            settle(root / "mlflow.db")
        yield


def experiments(client: Any) -> dict[str, str]:
    """Return the ids of all experiments of the pipeline by their names, also that of earlier versions."""
    found = client.search_experiments(filter_string=f"name LIKE '{_FORMER}%'")
    return {one.name: one.experiment_id for one in found if one.name == _FORMER or one.name.startswith(EXPERIMENTS)}


def knock(uri: str) -> None:
    """Check that the server or the database at `uri` answers within seconds. A database in a file needs no check.

    MLflow itself would retry a dead database server for a hundred seconds.

    Raises:
        Exception: nothing answers, or the server reports an error.
    """
    if uri.startswith("http"):
        from mlflow.utils.credentials import get_default_host_creds
        from mlflow.utils.rest_utils import http_request

        creds = get_default_host_creds(uri)
        status = http_request(
            creds, "/health", "GET", timeout=_ANSWER_S, max_retries=0, raise_on_status=False
        ).status_code
        if status >= 500:
            raise ConnectionError(f"the server answers with status {status}")
    else:
        address = urlsplit(uri)
        if address.hostname:
            port = address.port or {"mysql": 3306, "mssql": 1433}.get(address.scheme.split("+")[0], 5432)
            socket.create_connection((address.hostname, port), timeout=_ANSWER_S).close()


@contextmanager
def _turn(uri: str, root: Path) -> Iterator[None]:
    """Hold the lock of a database: a file lock, and for PostgreSQL also an advisory lock, since hosts share no disk."""
    from filelock import FileLock

    (root / ".landloom").mkdir(exist_ok=True)
    with FileLock(root / ".landloom" / "mlflow.lock", timeout=300):
        if uri.startswith("postgresql"):
            import sqlalchemy

            engine = sqlalchemy.create_engine(uri, poolclass=sqlalchemy.NullPool)
            with engine.connect() as connection:
                connection.execute(sqlalchemy.text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK_KEY})
                yield  # closing the connection releases the lock, also after a kill
        else:
            if uri.startswith("sqlite:///"):
                from sqlalchemy import make_url

                _make_sqlite(Path(make_url(uri).database or ""))
            yield


def _make_sqlite(path: Path) -> None:
    """Create the tables in a temporary file and rename it to `path`, so that a kill leaves no partial database."""
    if path.exists():
        return
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    for left in path.parent.glob(f"{part.name}*"):  # leftovers of a killed process, with the journal of sqlite
        left.unlink()
    store = SqlAlchemyStore(_address(part), (path.parent / ARTIFACTS).as_uri())
    store.engine.dispose()
    part.replace(path)


def _experiment(client: Any, room: str, artifacts: str | None) -> str:
    """Find or create the experiment of a stage; return its id.

    Args:
        artifacts: the folder for artifacts of a database without a server; None with a server.
    """
    from mlflow.exceptions import MlflowException

    name = f"{EXPERIMENTS}{room}"
    found = client.get_experiment_by_name(name)
    if found is not None:
        return found.experiment_id
    try:
        return client.create_experiment(name, artifact_location=artifacts, tags=_SHOWN_AS)
    except MlflowException:  # another machine can create it at the same time
        found = client.get_experiment_by_name(name)
        if found is None:
            raise
        return found.experiment_id
