"""Prefect flows: when and where stages run. They start DVC and import no stage."""

import os
from contextlib import suppress
from pathlib import Path

import tasks  # noqa: F401 - fixes what the shell set for other programs

# Prefect reads its settings on import, so they are set before any module of this package imports it.
# An ephemeral server first migrates its database, which can take most of the default 20 seconds.
os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("DO_NOT_TRACK", "1")


def keep_in_the_checkout() -> None:
    """Put what a flow's own server keeps into `.landloom/prefect`, as `make server` does, unless PREFECT_HOME is set.

    The home folder may have the database of another version of Prefect, or may not be writable at all, as in a
    container. Profiles, which can name a server, are still read from there.
    """
    if os.environ.get("PREFECT_HOME"):
        return
    folder = Path(__file__).resolve().parents[1] / ".landloom" / "prefect"
    os.environ["PREFECT_HOME"] = str(folder)
    with suppress(OSError):  # `flows.outside.away` says what is wrong
        folder.mkdir(parents=True, exist_ok=True)
    profiles = Path(os.path.expanduser("~"), ".prefect", "profiles.toml")
    if os.access(profiles, os.R_OK):
        os.environ.setdefault("PREFECT_PROFILES_PATH", str(profiles))


keep_in_the_checkout()
