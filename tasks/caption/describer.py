"""The seam between facts and text: whoever writes captions is one of these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Facts = dict[str, Any]
"""What is known of a tile: see `tasks.caption.facts`."""


@dataclass(frozen=True)
class Caption:
    """A text of one or two sentences; `model` and `cost_usd` where a model wrote it."""

    text: str
    model: str | None = None
    cost_usd: float = 0.0


class Describer(Protocol):
    """Writes captions for many tiles at once. A text may say nothing that its facts do not hold."""

    def __call__(self, keys: Sequence[str], facts: Sequence[Facts]) -> list[Caption]:
        """One caption a tile, in the order given."""
        ...
