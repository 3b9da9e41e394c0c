"""The origin of the code of a bundle. A bundle carries it as a file, because its machine has no git repository."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

CARRIED = "bundle-origin.json"


@dataclass(frozen=True)
class Carried:
    """The facts that `flows.bundle` wrote.

    Attributes:
        commit, patch: as `tasks.runs.provenance.git_state` returns them.
        params: the text of the committed `params.yaml`, or None.
    """

    commit: str | None
    patch: str | None
    params: str | None


def carried(root: Path) -> Carried | None:
    """Return the facts of the unpacked bundle `root`, or None if `root` is a checkout."""
    path = root / CARRIED
    return Carried(**json.loads(path.read_text())) if path.exists() else None
