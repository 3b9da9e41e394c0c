"""How tiles are encoded: their heights, and their captions if words are a condition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from models.consistency.params import Params
from models.consistency.text.encoder import TextEncoder, open_encoder
from models.core.height_encoding import HeightEncoding


@dataclass(frozen=True)
class TerrainEncoding:
    """The encoding of the heights, and of the words if they are a condition.

    Attributes:
        heights: of the heights. words: the encoder of texts; None without words.
        captions: of the tiles of `heights.known`, in their order; empty without words. A terrain for which nothing is
            asked gets the caption of the tile that its facts are drawn near to.
    """

    heights: HeightEncoding
    words: TextEncoder | None = None
    captions: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The JSON values of `config.json`: those of the heights, those of the words as `text`, and the captions."""
        known = self.heights.to_dict()
        if self.words is None:
            return known
        return known | {"text": self.words.to_dict(), "captions": list(self.captions)}

    @classmethod
    def from_dict(cls, params: Params, values: Mapping[str, Any]) -> TerrainEncoding:
        """The encoding from the values of `to_dict`; ValueError if they are of another kind."""
        values = dict(values)
        text, captions = values.pop("text", None), values.pop("captions", ())
        words = None if text is None else open_encoder(params.text, text)
        return cls(HeightEncoding.from_dict(values), words, tuple(captions))

    def moments(self, facts: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and deviation in metres, (n,) each, from facts (n, 2): as `HeightEncoding.decode`, for tensors."""
        known = self.heights
        bent = facts[:, 1] * known.mean_std + known.mean_mean
        spread = (facts[:, 0] * known.spread_std + known.spread_mean).exp()
        # In exponentials, because the vector library of a processor determines the last bits of sinh.
        return known.bend * (bent.exp() - (-bent).exp()) / 2, (spread.square() - known.floor**2).clamp(min=0).sqrt()

    def measured(self, mean: Tensor, std: Tensor) -> Tensor:
        """Facts (n, 2) from mean and deviation in metres (n,): as `HeightEncoding.encode`, for tensors."""
        known = self.heights
        spread = (std.square() + known.floor**2).sqrt().log()
        size = (mean / known.bend).abs()
        bent = mean.sign() * (size + (size.square() + 1).sqrt()).log()
        return torch.stack(
            [(spread - known.spread_mean) / known.spread_std, (bent - known.mean_mean) / known.mean_std], dim=1
        )
