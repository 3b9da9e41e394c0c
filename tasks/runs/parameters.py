"""Reading of `params.yaml` for code that records it: validation, a search for secrets, and resolved values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tasks.core.errors import LandloomError
from tasks.core.settings import PARAMS, ROOT, Settings, check, read, room_params, validate
from tasks.runs.carried import carried
from tasks.runs.secrets import found_in


def load(root: Path = ROOT, dataset: str | None = None) -> Settings:
    """Read and validate `params.yaml`: all datasets, or only the given one. Refuse secrets anywhere in the file.

    Every run stores a copy of the whole file, so a secret in the section of another dataset would leak too.

    Raises:
        LandloomError: a value is wrong or looks like a secret. The message holds the full path of the first such value.
    """
    raw = read(root)
    refuse_secrets(raw)
    if carried(root):  # `flows.bundle` validated all sections; the bundle lacks the code of some rooms
        return validate(Settings, raw, "")
    return check(raw, root, dataset)


def resolved(section: Any, room: str) -> dict[str, Any]:
    """Return the values of a section with all defaults filled in, as plain types.

    If the model of the room refuses the section, return the section unchanged. Sections of older commits can be
    refused.
    """
    try:
        return validate(room_params(room), section, room).model_dump(mode="json")
    except (LandloomError, ModuleNotFoundError):
        return section if isinstance(section, dict) else {}


def refuse_secrets(raw: Any, where: str = "") -> None:
    """Raise LandloomError if a value looks like a secret. Parameters are copied into locks, runs and cards."""
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
