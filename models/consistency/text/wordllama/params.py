"""Parameters of the encoder `wordllama`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from models.core.config import Config


class Params(Config):
    """Token embeddings of a package (`pip install wordllama==0.4.0.post1 tokenizers`), under a learned projection."""

    name: Literal["wordllama"] = "wordllama"
    length: int = Field(96, ge=1, le=1024)
    """Tokens of a text; the rest of a longer text is left out. Words have one to three tokens."""
