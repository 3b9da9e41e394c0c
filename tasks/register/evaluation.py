"""The results of `evaluate`, as far as a model version shows them and is compared by them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.core.errors import LandloomError

KEYS = ("headline", "held_out", "metrics", "measures", "sets")


@dataclass(frozen=True)
class Evaluation:
    """The content of `evaluation/metrics.json`, see `tasks/evaluate/account.py`.

    Attributes:
        headline: the metric to compare models by: name, title, value, better, and low, high and floor where known.
        held_out: identity of the tiles that the model was measured against.
        metrics, measures, sets: as in the file.
    """

    headline: dict[str, Any]
    held_out: str
    metrics: list[dict[str, Any]]
    measures: list[dict[str, Any]]
    sets: list[dict[str, Any]]

    @property
    def values(self) -> dict[str, float]:
        """Every metric by its name; `headline` first."""
        return {"headline": self.headline["value"], **{metric["name"]: metric["value"] for metric in self.metrics}}


def read_evaluation(path: Path) -> Evaluation:
    """Read the file.

    Raises:
        LandloomError: it is missing or is not such a file; the message names it.
    """
    try:
        facts = json.loads(path.read_text())
        parts = {name: facts[name] for name in KEYS}
        parts["headline"] = next(each for each in facts["metrics"] if each["name"] == facts["headline"])
        return Evaluation(**parts)
    except (FileNotFoundError, ValueError, KeyError, TypeError, StopIteration) as error:
        said = f"{type(error).__name__}: {error}".removesuffix(": ")
        raise LandloomError(f"{path}: not the results of evaluate ({said}); run `dvc repro` to make it again") from None
