"""A flow without a server brings its own; where that cannot start, one line says so at once and names the way out."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from flows.outside.away import check_prefect, unusable
from tasks.core.errors import LandloomError
from tasks.core.settings import ROOT


def database(path: Path, version: str | None) -> Path:
    """A database with the table in which Prefect keeps the state of its tables."""
    with closing(sqlite3.connect(path)) as made, made:
        made.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
        made.executemany("INSERT INTO alembic_version VALUES (?)", [] if version is None else [(version,)])
    return path


def test_a_database_that_is_new_or_of_this_version_is_fine(tmp_path):
    assert unusable(tmp_path / "none" / "prefect.db") is None
    assert unusable(database(tmp_path / "begun.db", None)) is None
    assert unusable(database(tmp_path / "earlier.db", "a3b9c7d2e5f1")) is None  # of Prefect 3.8
    sqlite3.connect(tmp_path / "empty.db").close()
    assert unusable(tmp_path / "empty.db") is None


def later(home: Path) -> str:
    database(home / "prefect.db", "ffff00001111")
    return "is the database of another version of Prefect"


def damaged(home: Path) -> str:
    (home / "prefect.db").write_text("no database at all, and longer than the head of one would be" * 20)
    return "is no database of Prefect"


def folder(home: Path) -> str:
    (home / "prefect.db").mkdir()
    return "is no database of Prefect"


def blocked(home: Path) -> str:
    home.rmdir()
    home.write_text("a file where the folder should be")
    return "cannot be made"


@pytest.mark.parametrize("make", [later, damaged, folder, blocked])
def test_a_server_that_could_not_start_is_told_at_once(make, tmp_path):
    from prefect.settings import PREFECT_API_DATABASE_CONNECTION_URL as ADDRESS
    from prefect.settings import PREFECT_API_URL, PREFECT_HOME, temporary_settings

    home = tmp_path / "home"
    home.mkdir()
    reason = make(home)
    address = f"sqlite+aiosqlite:///{home / 'prefect.db'}"
    with (
        temporary_settings({PREFECT_HOME: home, ADDRESS: address}, restore_defaults={PREFECT_API_URL}),
        pytest.raises(LandloomError, match=reason) as told,
    ):
        check_prefect()
    assert "dvc repro" in str(told.value) and "\n" not in str(told.value)


WHERE = "import os, flows; print(os.environ['PREFECT_HOME'], os.environ.get('PREFECT_PROFILES_PATH'))"


@pytest.mark.parametrize("home", ["/nowhere/at/all", "/proc"])
def test_a_home_that_cannot_be_written_is_not_used(home):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    done = subprocess.run([sys.executable, "-c", WHERE], cwd=ROOT, env={**clean, "HOME": home}, capture_output=True)
    assert done.stdout.decode().split() == [str(ROOT / ".landloom" / "prefect"), "None"], done.stderr


def test_profiles_of_the_home_and_a_given_folder_still_count(tmp_path):
    (tmp_path / ".prefect").mkdir()
    (tmp_path / ".prefect" / "profiles.toml").write_text("active = 'mine'\n[profiles.mine]\n")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    for more, expected in (
        ({}, [str(ROOT / ".landloom" / "prefect"), str(tmp_path / ".prefect" / "profiles.toml")]),
        ({"PREFECT_HOME": "/var/lib/prefect"}, ["/var/lib/prefect", "None"]),
    ):
        env = {**clean, "HOME": str(tmp_path), **more}
        done = subprocess.run([sys.executable, "-c", WHERE], cwd=ROOT, env=env, capture_output=True, text=True)
        assert done.stdout.split() == expected, done.stderr
