"""What a bundle says of where its code came from: on the other side there is no git, and no MLflow."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

CARRIED = "bundle-origin.json"


@dataclass(frozen=True)
class Carried:
    """The facts that `flows.bundle` wrote down.

    Attributes:
        commit, patch: as `tasks.runs.provenance.git_state` gives them.
        params: the text of the committed `params.yaml`, or None.
    """

    commit: str | None
    patch: str | None
    params: str | None


def carried(root: Path) -> Carried | None:
    """The facts of the bundle that `root` is; None in a checkout."""
    path = root / CARRIED
    return Carried(**json.loads(path.read_text())) if path.exists() else None
