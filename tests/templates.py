"""Empty databases of MLflow and Prefect, made once in a test run and then copied: their migrations take seconds."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from filelock import FileLock

_NAME = "LANDLOOM_TESTS_SHARED"
if _NAME not in os.environ:  # all processes of one test run inherit the folder of the first
    _folder = tempfile.TemporaryDirectory(prefix="landloom-shared-")
    os.environ[_NAME] = _folder.name


def mlflow_database(make: Callable[[Path], None]) -> Callable[[Path], None]:
    """Return a function that puts an empty database of MLflow at a path; `make` creates the first."""

    def copy(path: Path) -> None:
        if path.exists():
            return
        with _template("mlflow.db") as template:
            if not template.exists():
                make(template)
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(template, path.with_name(f"{path.name}.copy"))
        path.with_name(f"{path.name}.copy").replace(path)

    return copy


def give_mlflow_database(root: Path) -> None:
    """Put the kept database into a checkout, if there is one yet."""
    with _template("mlflow.db") as template:
        if template.exists():
            shutil.copyfile(template, root / "mlflow.db")


def give_prefect_database(home: Path) -> None:
    """Put the kept database into the folder of a new server, if there is one yet."""
    with _template("prefect.db") as template:
        if template.exists():
            shutil.copyfile(template, home / "prefect.db")


def keep_prefect_database(home: Path) -> None:
    """Keep the database of a server that has just started, for the next servers."""
    with _template("prefect.db") as template:
        if not template.exists():
            part = template.with_suffix(".part")
            with closing(sqlite3.connect(home / "prefect.db")) as source, closing(sqlite3.connect(part)) as target:
                source.backup(target)
            part.replace(template)


class _template:
    """The path of a template, for one process at a time."""

    def __init__(self, name: str):
        self._path = Path(os.environ[_NAME]) / name
        self._lock = FileLock(f"{self._path}.lock")

    def __enter__(self) -> Path:
        self._lock.acquire()
        return self._path

    def __exit__(self, *_: object) -> None:
        self._lock.release()
