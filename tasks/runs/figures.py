"""The numbers that a stage recorded, read from its run file."""

from __future__ import annotations

import json
from pathlib import Path


def recorded(root: Path, dataset: str, room: str) -> dict[str, float]:
    """Return the numbers of a stage by name; {} if the stage has not run.

    The run file holds all numbers. `metrics/<stage>.json` holds the one or two of DVC's tables; in the outputs of
    earlier versions, whose run files hold none, it holds all.
    """
    place = root / "data" / dataset
    facts = _json(place / "runs" / f"{room}.json")
    return facts["figures"] if "figures" in facts else _json(place / "metrics" / f"{room}.json")


def _json(path: Path) -> dict[str, float]:
    try:
        return json.loads(path.read_text())
    except (FileNotFoundError, NotADirectoryError, ValueError):  # a stage that has not run, or that is writing
        return {}
