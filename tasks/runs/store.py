"""Which MLflow a run is told to, whether it answers, and its first use by many at once.

The default database is sqlite at an absolute path under the repository: file stores are refused since
MLflow 3.13, and a relative path would make a second database for every working directory.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

EXPERIMENT = "landloom"
_SHOWN_AS = {"mlflow.experimentKind": "custom_model_development"}  # MLflow's pages for training, not for chats
_ANSWER_S = 5.0
_LOCK_KEY = 0x6C616E64  # any number of our own: PostgreSQL's advisory locks are known by number alone
_SETTINGS = {  # a server that does not answer must cost seconds, not the libraries' minutes
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "PGCONNECT_TIMEOUT": "5",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # it would print the password of an address, too
}


def tracking_uri(root: Path) -> str:
    """`MLFLOW_TRACKING_URI`, or the sqlite database under the repository."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{root / 'mlflow.db'}"


def tracking_uri_shown() -> str:
    """The tracking address without credentials, for messages."""
    uri = os.environ.get("MLFLOW_TRACKING_URI") or "sqlite under the repository"
    return uri.split("@")[-1]


def connect(root: Path) -> tuple[Any, str]:
    """(client, experiment id). First users of a database take turns; one that is away fails within seconds.

    Parallel first users of a database destroy its migration for good, so one of them makes the tables and
    the experiment while the others wait.
    """
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    from mlflow.tracking import MlflowClient

    uri = tracking_uri(root)
    knock(uri)
    if uri.startswith("http"):  # a server guards its own tables
        return _experiment(MlflowClient(uri, uri), None)
    with _turn(uri, root):
        return _experiment(MlflowClient(uri, uri), (root / "mlartifacts").as_uri())


def knock(uri: str) -> None:
    """Raise unless something answers at `uri` within seconds; a database in a file always does.

    The libraries' own patience is no use here: MLflow tries a dead database server for a hundred seconds.
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
    """Wait for one's turn at a bare database: by a lock on disk, or inside PostgreSQL, whose users share no disk."""
    from filelock import FileLock

    (root / ".landloom").mkdir(exist_ok=True)
    with FileLock(root / ".landloom" / "mlflow.lock", timeout=300):
        if uri.startswith("postgresql"):
            import sqlalchemy

            engine = sqlalchemy.create_engine(uri, poolclass=sqlalchemy.NullPool)
            with engine.connect() as connection:
                connection.execute(sqlalchemy.text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK_KEY})
                yield  # closing the connection gives the lock back, also when this process is killed
        else:
            if uri.startswith("sqlite:///"):
                _make_sqlite(Path(uri.removeprefix("sqlite:///")))
            yield


def _make_sqlite(path: Path) -> None:
    """Make the tables beside `path` and rename: a first user killed half-way must leave no half-made database."""
    if path.exists():
        return
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    for left in path.parent.glob(f"{part.name}*"):  # by a killed one; its journal too
        left.unlink()
    store = SqlAlchemyStore(f"sqlite:///{part}", (path.parent / "mlartifacts").as_uri())
    store.engine.dispose()
    part.replace(path)


def _experiment(client: Any, artifacts: str | None) -> tuple[Any, str]:
    """Find or make the experiment; `artifacts` is where a bare database, which has no place for files, keeps them."""
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(EXPERIMENT)
    if found is not None:
        return client, found.experiment_id
    try:
        return client, client.create_experiment(EXPERIMENT, artifact_location=artifacts, tags=_SHOWN_AS)
    except MlflowException:  # on a server another machine may have been first
        found = client.get_experiment_by_name(EXPERIMENT)
        if found is None:
            raise
        return client, found.experiment_id
