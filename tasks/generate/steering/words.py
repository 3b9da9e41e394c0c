"""Words that a model does not know. They are told, because a model can only ignore them."""

from __future__ import annotations

from typing import Any


def unknown(model: Any, text: str) -> list[str]:
    """Words of `text` that the model never saw in training; empty if it takes no text."""
    return [] if model.words is None else list(model.words.unknown(text))


def unknown_note(text: str, strange: list[str]) -> list[str]:
    """A line for the person, or nothing if every word is known."""
    if not strange:
        return []
    said = ", ".join(f"“{word}”" for word in strange)
    words = "this word" if len(strange) == 1 else "these words"
    return [f"{said} in “{text}”: the model never saw {words} in training, and cannot know what is meant"]
