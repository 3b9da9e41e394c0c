"""Common parts of the encoders whose tokens are parts of words: the unknown words, and a learned projection."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor, nn

from models.consistency.text.words import TOKEN


class Subwords:
    """Base of such an encoder.

    Attributes:
        seen: the tokens of the train captions. A word with another token is unknown, although it may steer by likeness.
    """

    seen: list[int]

    def tokens(self, text: str) -> list[int]:
        """The tokens of a text."""
        raise NotImplementedError

    def see(self, captions: Iterable[str]) -> None:
        """Keep the tokens of the train captions; ValueError if there are none."""
        self.seen = sorted({token for text in captions if text for token in self.tokens(text)})
        if not self.seen:
            raise ValueError("text: no caption has words; give the dataset a caption method other than none")

    def unknown(self, text: str) -> list[str]:
        """The words with a token that no train caption has, in lower case."""
        seen = set(self.seen)
        words = dict.fromkeys(word.lower() for word in TOKEN.findall(text) if not word[0].isdigit())
        return [word for word in words if not seen.issuperset(self.tokens(word))]


class Projected(nn.Module):
    """Features (n, length, inside) to (n, length, width); a token whose features are all zero does not exist.

    Args:
        table: features of each code, (codes, inside), of which code 0 is none; the input then is codes (n, length). The
            table is not saved with the model: its hash is in `config.json`.
    """

    def __init__(self, inside: int, width: int, table: Tensor | None = None):
        super().__init__()
        self.register_buffer("table", table, persistent=False)
        self.project = nn.Linear(inside, width, bias=False)

    def forward(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        if self.table is None:
            return self.project(codes), (codes != 0).any(dim=2)
        return self.project(self.table[codes]), codes != 0
