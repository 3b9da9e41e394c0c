"""`params.yaml` for everything that records it: read, searched for keys, and checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tasks.core.errors import LandloomError
from tasks.core.settings import PARAMS, ROOT, Settings, check, read, room_params, validate
from tasks.runs.carried import carried
from tasks.runs.secrets import found_in


def load(root: Path = ROOT, dataset: str | None = None) -> Settings:
    """Read `params.yaml`, and check what concerns the dataset, or every dataset.

    Raises:
        LandloomError: a value is wrong, or a value anywhere in the file looks like a key, because the file is copied
            whole beside a run; the message has the full path of the first one.
    """
    raw = read(root)
    refuse_secrets(raw)
    if carried(root):  # `flows.bundle` checked every section, with the rooms that a bundle lacks
        return validate(Settings, raw, "")
    return check(raw, root, dataset)


def resolved(section: Any, room: str) -> dict[str, Any]:
    """A section's values with every default filled in, as plain types.

    A section that the room's model refuses, as an older commit's may be, is given back as it is written.
    """
    try:
        return validate(room_params(room), section, room).model_dump(mode="json")
    except (LandloomError, ModuleNotFoundError):
        return section if isinstance(section, dict) else {}


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
