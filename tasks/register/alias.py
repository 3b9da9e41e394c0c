"""When the alias of a model moves: its rule, and what two versions must share to be compared."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from tasks.register.evaluation import Evaluation
from tasks.register.params import Alias

PARAMS = "params."


def worth(evaluation: Evaluation, by_stage: Mapping[str, Mapping[str, Any]], data: Sequence[str]) -> dict[str, str]:
    """Tags of a version that say how good it is, and in comparison with what.

    Args:
        by_stage: the run file of each stage.
        data: the stages that make the data. `evaluate` counts too: it says how a model is measured.
    """
    headline = evaluation.headline
    tags = {
        "dataset": by_stage["train"]["stage"].partition("@")[2],
        "headline": headline["name"],
        "headline.value": repr(float(headline["value"])),
        "headline.better": headline["better"],
        "held_out": evaluation.held_out,
    }
    return tags | {f"{PARAMS}{name}": _digest(by_stage[name]["params"]) for name in (*data, "evaluate")}


def decide(alias: Alias, new: Mapping[str, str], holder: Mapping[str, str] | None) -> tuple[bool, str]:
    """Return whether the alias moves to the new version, and why.

    Args:
        new, holder: the tags of the new version and of the version that has the alias, or None if none has it.
    """
    if alias.rule == "hand":
        return False, "it moves by hand only"
    if holder is None:
        return True, "no version had it"
    if "held_out" not in holder:
        return False, "what its version was measured on is not recorded"
    if new["held_out"] != holder["held_out"]:
        return False, "its version was measured on other held-out tiles"
    same = ("dataset", "headline", "headline.better", *(name for name in new if name.startswith(PARAMS)))
    if apart := [name.removeprefix(PARAMS) for name in same if new[name] != holder.get(name)]:
        return False, f"its version was made or measured in another way: {', '.join(apart)} differ"
    mine, theirs = float(new["headline.value"]), float(holder["headline.value"])
    better = mine < theirs if new["headline.better"] == "lower" else mine > theirs
    said = f"{new['headline']} is {mine:.4g}, and {theirs:.4g} of its version ({new['headline.better']} is better)"
    return better, said


def _digest(values: Any) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]
