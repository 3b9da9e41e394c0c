"""The interface between facts and text: every writer of captions is a `Describer`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Facts = dict[str, Any]
"""Facts about a tile: of its place (`place_facts`), and of its ground (`tasks.relief.ground_facts`) or its picture."""


@dataclass(frozen=True)
class Caption:
    """A text of one or two sentences.

    Attributes:
        text_from: `template`, or `model` if a model wrote the text.
        reason: why the text is from a template although a model was asked for, or which sentence was left out.
        model: the model that wrote the text. cost_usd: what the text cost, with the answers that were rejected.
        request: the content key of the request. answers: all that came for it and what it cost, a JSON list.
    """

    text: str
    text_from: Literal["template", "model"] = "template"
    reason: str | None = None
    model: str | None = None
    cost_usd: float = 0.0
    request: str | None = None
    answers: str | None = None


class Describer(Protocol):
    """Writes captions for many tiles. A text states only what the facts contain."""

    def __call__(self, keys: Sequence[str], facts: Sequence[Facts]) -> list[Caption]:
        """One caption for each tile, in the given order."""
        ...
