"""Compare the parameters that a file holds with those that a run recorded."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

from flows.history.runs import Recorded
from tasks.core.hashing import dvc_md5
from tasks.core.settings import ROOT
from tasks.runs.parameters import resolved
from tasks.runs.secrets import redact
from tasks.runs.titles import flatten
from tasks.runs.tracking import safe_name

LONGEST = 6000  # characters of a value that MLflow takes, see `tasks.runs.tracking`


def departures(section: Any, seed: Any, run: Recorded, root: Path = ROOT) -> dict[str, tuple[str | None, str | None]]:
    """Return parameter → (value in the file, recorded value) for each one that differs, as the texts that MLflow shows.

    A file holds only what was chosen, and a run records every value. The models of this checkout fill in the
    defaults. A value that the file does not hold counts as different only if this checkout has the code that the run
    recorded: another code may have had other defaults.

    Args:
        section: the stage's section of `params.yaml` or of an entry of `dvc.lock`.
    """
    if len(run.params) <= 1:  # only the run file is known
        return {}
    section = section if isinstance(section, dict) else {}
    chosen = texts({"seed": seed, **flatten(section)})
    here = texts({"seed": seed, **flatten(resolved(section, run.stage.split("@")[0]))})
    wrong = {
        name: (here.get(name), run.params.get(name))
        for name in sorted(here.keys() | run.params.keys())
        if not equal(here.get(name), run.params.get(name))
    }
    if _same_code(run, root):
        return wrong
    return {name: pair for name, pair in wrong.items() if name in chosen}


def equal(one: str | None, other: str | None) -> bool:
    """Whether two texts mean the same value: mappings inside lists stand in another order in a run file."""
    if one == other or one is None or other is None:
        return one == other
    try:
        return json.dumps(ast.literal_eval(one), sort_keys=True) == json.dumps(ast.literal_eval(other), sort_keys=True)
    except (ValueError, SyntaxError, TypeError):  # plain words, or a value that MLflow cut off
        return False


def texts(flat: dict[str, Any]) -> dict[str, str]:
    """Return parameters as the names and texts that MLflow shows of a run's own ones."""
    return {safe_name(name): redact(str(value))[:LONGEST] for name, value in flat.items() if "/" not in name}


def _same_code(run: Recorded, root: Path) -> bool:
    return all((root / path).exists() and dvc_md5(root / path) == digest for path, digest in run.code_inputs.items())
