"""The encoder `clip`: a frozen transformer, so its features are computed once for each text and kept on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from models.consistency.text.clip.params import Params
from models.consistency.text.store import Store
from models.consistency.text.subwords import Projected, Subwords
from models.consistency.text.words import TOKEN

INSTALL = "pip install transformers"


class Clip(Subwords):
    """A `TextEncoder`. Codes are float32 (n, length, width of the model): features, zero beyond the end of a text."""

    def __init__(self, params: Params, seen: list[int] | None = None):
        try:
            from transformers import CLIPTextModel, CLIPTokenizer
        except ImportError:
            raise ValueError(f"text: the encoder clip needs a package that is not installed: {INSTALL}") from None
        try:
            self._tokenizer = CLIPTokenizer.from_pretrained(params.model, revision=params.revision)
            self._model = CLIPTextModel.from_pretrained(params.model, revision=params.revision, use_safetensors=True)
        except (OSError, ValueError) as error:
            reason = " ".join(str(error).split())[:200]
            raise ValueError(f"text.model: {params.model} is no CLIP model that can be read here: {reason}") from None
        self._model.eval().requires_grad_(False)
        self._length, self.seen, self.width = params.length, seen or [], int(self._model.config.hidden_size)
        if params.length > (most := int(self._model.config.max_position_embeddings)):
            raise ValueError(f"text.length: {params.length} is more than {params.model} takes ({most})")
        self.identity = {"name": params.name, "model": params.model, "sha256": self._hash()}
        shape = (params.length, self.width)
        self._features = Store(
            Path(params.store), f"{self.identity['sha256'][:32]}-{params.length}", shape, self._compute
        )

    def codes(self, texts: Sequence[str]) -> np.ndarray:
        """float32 (n, length, width). A text without letters and digits has no features."""
        found = np.zeros((len(texts), self._length, self.width), np.float32)
        worded = [place for place, text in enumerate(texts) if text and TOKEN.search(text)]
        found[worded] = self._features([texts[place] for place in worded])
        return found

    def tokens(self, text: str) -> list[int]:
        """The model's tokens of a text, without those of its start and end."""
        return self._tokenizer(text, add_special_tokens=False)["input_ids"]

    def embedding(self, width: int) -> nn.Module:
        """A learned projection of the features."""
        return Projected(self.width, width)

    def to_dict(self) -> dict[str, Any]:
        """The identity and the tokens of the train captions."""
        return {**self.identity, "seen": self.seen}

    def _compute(self, text: str) -> np.ndarray:
        """Features (length, width), zero beyond the end of the text.

        One text at a time: the bits of a batch depend on its size, and features are kept for ever.
        """
        given = self._tokenizer(
            text, padding="max_length", truncation=True, max_length=self._length, return_tensors="pt"
        )
        with torch.inference_mode():
            found = self._model(input_ids=given["input_ids"], attention_mask=given["attention_mask"]).last_hidden_state
        return (found * given["attention_mask"][:, :, None])[0].numpy()

    def _hash(self) -> str:
        digest = hashlib.sha256(repr(sorted(self._tokenizer.get_vocab().items())).encode())
        for name, value in sorted(self._model.state_dict().items()):
            digest.update(name.encode() + value.contiguous().numpy().tobytes())
        return digest.hexdigest()


def fit(params: Params, captions: Iterable[str]) -> Clip:
    """The encoder with the tokens of the captions; ValueError if something is missing."""
    encoder = Clip(params)
    encoder.see(captions)
    return encoder


def open_encoder(params: Params, state: dict[str, Any]) -> Clip:
    """The encoder that a model was trained with; ValueError if the CLIP model is another one now."""
    encoder = Clip(params, list(state["seen"]))
    if encoder.identity["sha256"] != state["sha256"]:
        raise ValueError(
            f"text.model: {params.model} has other weights than in the training; set text.revision, or give that folder"
        )
    return encoder
