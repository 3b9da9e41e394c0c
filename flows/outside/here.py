"""The Prefect server of this checkout: its address, and the settings with which flows start.

Prefect reads its settings when it is imported, so `flows/__init__.py` calls `settle` before that. This module imports
no Prefect.
"""

from __future__ import annotations

import http.client
import json
import os
import tomllib
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
HOME, URL, PROFILES = "PREFECT_HOME", "PREFECT_API_URL", "PREFECT_PROFILES_PATH"
_ANSWER_S = 2.0


def settle() -> None:
    """Choose the folder and the server of flows, unless the environment names them.

    A flow's own server keeps its files in `.landloom/prefect`, as `make server` does: the home folder may have the
    database of another version of Prefect, or may not be writable at all, as in a container. The server is that of
    `make server` if it runs, else that of the profile in the home folder, else the flow brings its own.
    """
    if HOME not in os.environ:
        folder = ROOT / ".landloom" / "prefect"
        os.environ[HOME] = str(folder)
        with suppress(OSError):  # `flows.outside.away` says what is wrong
            folder.mkdir(parents=True, exist_ok=True)
        profiles = Path(os.path.expanduser("~"), ".prefect", "profiles.toml")
        if os.access(profiles, os.R_OK):
            os.environ.setdefault(PROFILES, str(profiles))
    if URL not in os.environ:
        url = address()
        os.environ[URL] = url if url and is_ours(url) else _of_profile() or ""


def address() -> str | None:
    """Return the address of the server of this checkout: the environment's, else that of `prefect.toml`."""
    return os.environ.get(URL) or _toml(ROOT / "prefect.toml").get("api", {}).get("url")


def is_ours(url: str) -> bool:
    """Return whether the Prefect server of this checkout answers at `url`, and not one of another project."""
    try:
        with urllib.request.urlopen(f"{url}/admin/settings", timeout=_ANSWER_S) as answer:
            home = Path(json.load(answer)["home"]).expanduser()
    except (OSError, ValueError, KeyError, TypeError, http.client.HTTPException):  # whatever else listens there
        return False
    # A server that was started by hand in this folder states the relative path of `prefect.toml`.
    return (ROOT / home).resolve() == Path(os.environ[HOME]).resolve()


def _of_profile() -> str | None:
    """Return the address that the active profile of the home folder names, or None."""
    found = _toml(Path(os.environ.get(PROFILES, "")))
    name = os.environ.get("PREFECT_PROFILE") or found.get("active")
    return found.get("profiles", {}).get(name, {}).get(URL)


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # no such file; what is wrong with it, Prefect says itself
        return {}
