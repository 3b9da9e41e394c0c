"""The numbers that a stage recorded, read from its run file, and which of them are worth showing.

Each stage names those in its own code (`shown` of `Stage.metrics`). The tag of its run carries the names to MLflow's
tables and to lineage, which know no number by name.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

SHOWN = "shown"


def shown_tag(names: Iterable[str]) -> dict[str, str]:
    """Return the tag of a run that holds the names of the numbers worth showing."""
    return {SHOWN: ", ".join(names)}


def shown(tags: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of the numbers worth showing, the most telling first; () for a run of an earlier version."""
    return tuple(filter(None, tags.get(SHOWN, "").split(", ")))


def recorded(root: Path, dataset: str, room: str) -> dict[str, float]:
    """Return the numbers of a stage by name; {} if the stage has not run.

    The run file holds all numbers. `metrics/<stage>.json` holds those of DVC's tables; in the outputs of earlier
    versions, whose run files hold none, it holds all.
    """
    place = root / "data" / dataset
    facts = _json(place / "runs" / f"{room}.json")
    return facts["figures"] if "figures" in facts else _json(place / "metrics" / f"{room}.json")


def _json(path: Path) -> dict[str, float]:
    try:
        return json.loads(path.read_text())
    except (FileNotFoundError, NotADirectoryError, ValueError):  # a stage that has not run, or that is writing
        return {}
