"""Parameters of the encoder `clip`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from models.core.config import Config


class Params(Config):
    """The text encoder of a CLIP model, by transformers (`pip install transformers`): 77 features of 768 for a text."""

    name: Literal["clip"] = "clip"
    model: str = Field("openai/clip-vit-large-patch14", min_length=1)
    """A folder with the model, or its name on the Hugging Face hub."""
    revision: str | None = None
    """Commit of the model on the hub; null takes the newest. The hash of the weights is kept in any case."""
    length: int = Field(77, ge=2)
    """Tokens of a text, as the model was made for; the rest of a longer text is left out."""
    store: str = Field(".landloom/text", min_length=1)
    """Folder for the features of texts, below the folder where the stage runs. A text is computed once."""
