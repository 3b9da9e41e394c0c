"""Parameters of the encoder `vocabulary`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from models.core.config import Config


class Params(Config):
    """Words of the train captions; their embeddings are learned with the model."""

    name: Literal["vocabulary"] = "vocabulary"
    words: int = Field(2000, ge=1, le=60_000)
    """Most words that are kept: the most frequent ones."""
    least: int = Field(3, ge=1)
    """Captions that must have a word. A rarer word teaches the model nothing that another tile confirms."""
    length: int = Field(64, ge=1, le=1024)
    """Tokens of a text; the rest of a longer text is left out."""
