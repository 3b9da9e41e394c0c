"""The interface between facts and text: every writer of captions is a `Describer`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Facts = dict[str, Any]
"""Facts about a tile: of its place (`place_facts`), and of its ground (`tasks.relief.ground_facts`) or its picture."""


@dataclass(frozen=True)
class Caption:
    """A text of one or two sentences, with `model` and `cost_usd` where a model wrote it."""

    text: str
    model: str | None = None
    cost_usd: float = 0.0


class Describer(Protocol):
    """Writes captions for many tiles. A text states only what the facts contain."""

    def __call__(self, keys: Sequence[str], facts: Sequence[Facts]) -> list[Caption]:
        """One caption for each tile, in the given order."""
        ...
