"""The tiles that wait for prose, and what is known of each: its answers, its verdicts, its cost."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tasks.caption.check.verdict import Verdict
from tasks.caption.describer import Facts
from tasks.caption.prose.answer import judged
from tasks.caption.prose.request import body, facts_bytes, text_bytes
from tasks.caption.prose.settings import Api
from tasks.caption.prose.store import Row


@dataclass
class Item:
    """One request, for the first of the tiles that share it.

    Attributes:
        request: content key. facts: of the tile. picture: makes its picture.
        rows: what was sent so far. why: why no text came from the way to the model, or None.
    """

    request: str
    facts: Facts
    picture: Callable[[], np.ndarray]
    rows: list[Row] = field(default_factory=list)
    why: str | None = None

    def body(self, api: Api) -> dict[str, Any]:
        """The next request, which names the faults of the last answer."""
        return body(self.facts, self.picture(), api, self.reasons)

    @property
    def text_bytes(self) -> int:
        """Of the first request."""
        return text_bytes(self.facts)

    @property
    def facts_bytes(self) -> int:
        """Of the part of a request that differs from others."""
        return facts_bytes(self.facts)

    @property
    def reasons(self) -> list[str]:
        """Why the last answer was rejected."""
        answers = verdicts(self.rows, self.facts)
        return list(answers[-1][1].reasons) if answers else []

    def open(self, api: Api) -> bool:
        """Whether another answer should be asked for."""
        answers = verdicts(self.rows, self.facts)
        refused = any(json.loads(row.answer or "{}").get("refused") for row in self.rows)
        accepted = any(verdict.text for _, verdict in answers)
        return not accepted and not refused and len(answers) < api.tries

    @property
    def tokens(self) -> list[int]:
        """Tokens of input of each answer that says so."""
        told = (json.loads(row.answer or "{}").get("tokens") for row in self.rows)
        return [tokens[0] for tokens in told if tokens]

    @property
    def usd(self) -> float:
        return sum(row.usd for row in self.rows)


def verdicts(rows: list[Row], facts: Facts) -> list[tuple[Row, Verdict]]:
    """The answers among the rows with the verdict on each, by the check as it is now."""
    found = []
    for row in rows:
        if row.state == "answered" and row.answer is not None:
            answer = json.loads(row.answer)
            content = answer["content"]
            found.append((row, Verdict(None, (answer["fault"],)) if content is None else judged(content, facts)))
    return found
