"""The encoder `vocabulary`: a list of words from the train captions, kept in `config.json`."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from torch import Tensor, nn

from models.consistency.text.vocabulary.params import Params
from models.consistency.text.words import forms, is_number, tokens

NO_TOKEN, UNKNOWN, FIRST = 0, 1, 2
"""Codes: no token, a word outside the vocabulary, and that of the first word."""


class Vocabulary:
    """A `TextEncoder`. Codes are int64 (n, length): positions in `words`, counted from `FIRST`."""

    def __init__(self, params: Params, words: list[str]):
        self.words, self._length = words, params.length
        self._code = {word: FIRST + place for place, word in enumerate(words)}
        self._numbers = sorted(int(word[1:]) for word in words if is_number(word))
        self._found: dict[str, int] = {}
        digest = hashlib.sha256(json.dumps([words, params.length]).encode()).hexdigest()
        self.identity = {"name": params.name, "words": len(words), "sha256": digest}

    def codes(self, texts: Sequence[str]) -> np.ndarray:
        """int64 (n, length). A word outside the vocabulary is `UNKNOWN`, in training too, where it is a rare word."""
        found = np.zeros((len(texts), self._length), np.int64)
        for row, text in zip(found, texts, strict=True):
            known = [self._look_up(token) for token in tokens(text or "")[: self._length]]
            if any(code != UNKNOWN for code in known):
                row[: len(known)] = known
        return found

    def unknown(self, text: str) -> list[str]:
        """The words that are not in the vocabulary in any of their forms. A number counts as its nearest magnitude."""
        return list(dict.fromkeys(token for token in tokens(text) if self._look_up(token) == UNKNOWN))

    def embedding(self, width: int) -> nn.Module:
        """Learned embeddings."""
        return WordEmbedding(FIRST + len(self.words), width)

    def to_dict(self) -> dict[str, Any]:
        """The words."""
        return {"words": self.words, **{name: self.identity[name] for name in ("name", "sha256")}}

    def _look_up(self, token: str) -> int:
        """The code of a token; kept, because training asks for the same words again and again."""
        if token not in self._found:
            self._found[token] = self._search(token)
        return self._found[token]

    def _search(self, token: str) -> int:
        if is_number(token) and self._numbers:
            nearest = min(self._numbers, key=lambda known: abs(known - int(token[1:])))
            return self._code[f"#{nearest}"]
        return next((self._code[form] for form in forms(token) if form in self._code), UNKNOWN)


class WordEmbedding(nn.Module):
    """Codes (n, length) to learned features (n, length, width)."""

    def __init__(self, count: int, width: int):
        super().__init__()
        self.table = nn.Embedding(count, width, padding_idx=NO_TOKEN)

    def forward(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        return self.table(codes), codes != NO_TOKEN


def fit(params: Params, captions: Iterable[str]) -> Vocabulary:
    """The vocabulary of the train captions; ValueError if no word is frequent enough."""
    counts: Counter[str] = Counter()
    for text in captions:
        counts.update(set(tokens(text or "")))
    frequent = [word for word, count in counts.items() if count >= params.least]
    if not frequent:
        raise ValueError(
            f"text: no word is in {params.least} captions; give the dataset a caption method other than none"
        )
    frequent.sort(key=lambda word: (-counts[word], word))
    return Vocabulary(params, sorted(frequent[: params.words]))


def open_encoder(params: Params, state: dict[str, Any]) -> Vocabulary:
    """The vocabulary that a model was trained with."""
    return Vocabulary(params, list(state["words"]))
