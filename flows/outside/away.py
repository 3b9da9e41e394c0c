"""Checks, within seconds and before any work starts, that the servers of a flow answer."""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx

from tasks.core.errors import LandloomError
from tasks.runs.secrets import redact

_ANSWER_S = 5.0


def check_prefect() -> None:
    """Raise LandloomError where the configured Prefect server does not answer.

    Without one the flow brings its own server. Then raise LandloomError where that server could not start.
    """
    from prefect.settings import PREFECT_API_URL, get_current_settings

    url = PREFECT_API_URL.value()
    if not url:
        address = get_current_settings().server.database.connection_url
        path = str(address.get_secret_value() if address else "").partition("sqlite+aiosqlite:///")[2]
        if path and (reason := unusable(Path(path.partition("?")[0]))):
            raise LandloomError(
                f"the flow's own Prefect server cannot start: {reason}. Set PREFECT_HOME to another folder, or run "
                "`dvc repro`, which needs no server"
            )
    if url and (reason := silent(f"{url.rstrip('/')}/health")):
        raise LandloomError(
            f"Prefect ({redact(url)}) is unreachable, so no flow can be recorded there: {reason}. Start it, unset "
            "PREFECT_API_URL to let the flow bring its own server, or run `dvc repro`, which needs none"
        )


def unusable(path: Path) -> str | None:
    """Why Prefect cannot use the sqlite database at `path`, in words; None if it can, also where there is none yet."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return f"{path.parent} cannot be made ({error.strerror})"
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        return f"{path if path.exists() else path.parent} cannot be written"
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            names = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            rows = database.execute("SELECT version_num FROM alembic_version").fetchall() if names else []
    except sqlite3.Error as error:
        return f"{path} is no database of Prefect ({error})"
    unknown = [version for (version,) in rows if version not in _revisions()]
    return f"{path} is the database of another version of Prefect (its tables are {unknown[0]})" if unknown else None


def _revisions() -> set[str]:
    """The states of tables that the installed Prefect knows."""
    import prefect

    folder = Path(prefect.__file__).parent / "server" / "database" / "_migrations" / "versions" / "sqlite"
    texts = (path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    return {found[1] for text in texts if (found := re.search(r"^revision = \W(\w+)", text, re.MULTILINE))}


def silent(url: str) -> str | None:
    """None where `url` answers with a status below 500; else the reason in words."""
    try:
        status = httpx.get(url, timeout=_ANSWER_S).status_code
    except httpx.HTTPError as error:
        return redact(str(error) or type(error).__name__)
    return f"it answers with status {status}" if status >= 500 else None
