"""What a person is told about words: which of them the model does not know, and that there are none."""

from __future__ import annotations

from typing import Any


def unknown(model: Any, text: str) -> list[str]:
    """Words of `text` that the model never saw in training; empty if it takes no text."""
    return [] if model.words is None else list(model.words.unknown(text))


def notes(text: str, strange: list[str]) -> list[str]:
    """A line for the person: no words at all, or unknown ones, which a model can only ignore; else nothing."""
    if not text:
        return ["--text has no words, so the seed alone decides what the ground is"]
    if not strange:
        return []
    said = ", ".join(f"“{word}”" for word in strange)
    words = "this word" if len(strange) == 1 else "these words"
    return [f"{said} in “{text}”: the model never saw {words} in training, and cannot know what is meant"]
