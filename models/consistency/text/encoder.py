"""What a text encoder is, and how one is found by the name of its folder.

A folder `models/consistency/text/<name>/` has `params.py` with the parameter model `Params`, and `encoder.py` with the
function `open_encoder(params, state)`. An encoder converts texts to codes of a fixed shape with numpy. The first layer
of a network converts codes to features.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np
from torch import Tensor, nn

from models.core.config import Config


class Embedding(Protocol):
    """The first layer: codes (n, length, …) to features (n, length, width), and which tokens exist, bool (n, length).

    A token whose codes are all zero does not exist.
    """

    def __call__(self, codes: Tensor) -> tuple[Tensor, Tensor]: ...


class TextEncoder(Protocol):
    """Converts texts to codes. Codes of equal texts are equal; codes that are all zero mean "no words".

    Attributes:
        identity: JSON values that name the encoder and everything that determines its codes, for cards.
    """

    identity: dict[str, Any]

    def codes(self, texts: Sequence[str]) -> np.ndarray:
        """Codes (n, length, …) of n texts. Thread-safe."""
        ...

    def unknown(self, text: str) -> list[str]:
        """The words of `text` that the model never saw in training, in their order, each once."""
        ...

    def embedding(self, width: int) -> nn.Module:
        """A new first layer with features of `width` channels, see `Embedding`."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """The JSON values from which `open_encoder` builds the encoder again."""
        ...


def fit(params: Config, captions: Iterable[str]) -> TextEncoder:
    """The encoder that `params` names, measured on the train captions.

    Raises:
        ValueError: there are no words, or files or packages that the encoder needs are missing.
    """
    return _module(params.name).fit(params, captions)


def open_encoder(params: Config, state: dict[str, Any]) -> TextEncoder:
    """The encoder from the values of `TextEncoder.to_dict`.

    Raises:
        ValueError: files or packages that the encoder needs are missing, or differ from those of the training.
    """
    return _module(params.name).open_encoder(params, state)


def _module(name: str) -> Any:
    return importlib.import_module(f"{__package__}.{name}.encoder")
