"""The encoder `wordllama`: token embeddings of a large language model that come inside a package of 19 MB.

The package's own reader looks for a tokenizer in the wrong folder without a network, so the files are read directly.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import load_file
from torch import nn

from models.consistency.text.subwords import Projected, Subwords
from models.consistency.text.wordllama.params import Params
from models.consistency.text.words import TOKEN

WEIGHTS, TOKENIZER = "weights/l2_supercat_256.safetensors", "tokenizers/l2_supercat_tokenizer_config.json"
NO_TOKEN, FIRST = 0, 1
"""Codes: no token; that of the first token of the package."""
INSTALL = "pip install wordllama==0.4.0.post1 tokenizers"


class WordLlama(Subwords):
    """A `TextEncoder`. Codes are int64 (n, length): tokens of the package, counted from `FIRST`."""

    def __init__(self, params: Params, seen: list[int] | None = None):
        folder = _folder()
        self._length, self._table, self.seen = params.length, folder / WEIGHTS, seen or []
        try:
            from tokenizers import Tokenizer
        except ImportError:
            raise ValueError(f"text: the encoder wordllama needs the package tokenizers: {INSTALL}") from None
        self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        digest = hashlib.sha256()
        for name in (WEIGHTS, TOKENIZER):
            digest.update((folder / name).read_bytes())
        version = importlib.metadata.version("wordllama")
        self.identity = {"name": params.name, "version": version, "sha256": digest.hexdigest()}

    def codes(self, texts: Sequence[str]) -> np.ndarray:
        """int64 (n, length). A text without letters and digits has no tokens."""
        found = np.zeros((len(texts), self._length), np.int64)
        for row, text in zip(found, texts, strict=True):
            tokens = self.tokens(text)[: self._length]
            row[: len(tokens)] = FIRST + np.asarray(tokens, np.int64)
        return found

    def tokens(self, text: str) -> list[int]:
        """The package's tokens of a text in lower case."""
        if not text or not TOKEN.search(text):
            return []
        return self._tokenizer.encode(text.lower(), add_special_tokens=False).ids

    def embedding(self, width: int) -> nn.Module:
        """The embeddings of the package, which stay as they are, under a learned projection."""
        values = next(iter(load_file(self._table).values())).astype(np.float32)
        values = values / np.sqrt(np.square(values).mean())
        table = np.concatenate([np.zeros((FIRST, values.shape[1]), np.float32), values])
        return Projected(values.shape[1], width, torch.from_numpy(table))

    def to_dict(self) -> dict[str, Any]:
        """The identity and the tokens of the train captions."""
        return {**self.identity, "seen": self.seen}


def fit(params: Params, captions: Iterable[str]) -> WordLlama:
    """The encoder with the tokens of the captions; ValueError if the package is missing or no caption has words."""
    encoder = WordLlama(params)
    encoder.see(captions)
    return encoder


def open_encoder(params: Params, state: dict[str, Any]) -> WordLlama:
    """The encoder that a model was trained with; ValueError if the package's files are others now."""
    encoder = WordLlama(params, list(state["seen"]))
    if encoder.identity["sha256"] != state["sha256"]:
        raise ValueError(
            f"text: the model was trained with wordllama {state['version']}; {encoder.identity['version']} has other "
            "files; install that version"
        )
    return encoder


def _folder() -> Path:
    """The folder of the package, without importing it."""
    spec = importlib.util.find_spec("wordllama")
    if spec is None or not spec.submodule_search_locations:
        raise ValueError(f"text: the encoder wordllama needs a package that is not installed: {INSTALL}")
    return Path(next(iter(spec.submodule_search_locations)))
