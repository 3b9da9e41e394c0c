"""`params.yaml` for everything that records it: read, searched for keys, and checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tasks.core.errors import LandloomError
from tasks.core.settings import PARAMS, ROOT, Settings, check, read
from tasks.runs.secrets import found_in


def load(root: Path = ROOT) -> Settings:
    """Read and check `params.yaml`.

    Raises:
        LandloomError: a value looks like a key, or a value is wrong; the message has the full path of the first one.
    """
    raw = read(root)
    refuse_secrets(raw)
    return check(raw, root)


def refuse_secrets(raw: Any, where: str = "") -> None:
    """Raise LandloomError where a value looks like a key: parameters are copied into locks, runs and cards."""
    if isinstance(raw, dict):
        for key, value in raw.items():
            refuse_secrets(value, f"{where}.{key}" if where else str(key))
    elif isinstance(raw, list):
        for value in raw:
            refuse_secrets(value, where)
    elif isinstance(raw, str) and (found := found_in(raw)):
        raise LandloomError(
            f"{PARAMS}: {where}: holds {found[0]}; parameters are copied everywhere, so keep it in the environment"
        )
