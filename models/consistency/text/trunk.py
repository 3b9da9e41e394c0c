"""From codes of a text to features that a network attends to, and to a summary of the text."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.consistency.text.encoder import TextEncoder

HEADS = 4


class Trunk(nn.Module):
    """Codes (n, length, …) to features (n, 1 + length, width), which of them exist, and a summary (n, width).

    One block of self-attention over embeddings with positions, so that the features of `m` know which number stands
    before it. The first feature is learned and always exists: attention over a text without words has a target.

    Args:
        encoder: gives the embedding. length: tokens of a text. width: channels of a feature.
    """

    def __init__(self, encoder: TextEncoder, length: int, width: int):
        super().__init__()
        self.embedding = encoder.embedding(width)
        self.positions = nn.Parameter(0.02 * torch.randn(1 + length, width))
        self.norm1, self.qkv, self.mix = nn.LayerNorm(width), nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.norm2, self.wide, self.narrow = (
            nn.LayerNorm(width),
            nn.Linear(width, 2 * width),
            nn.Linear(2 * width, width),
        )
        self.norm3 = nn.LayerNorm(width)

    def forward(self, codes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        features, exists = self.embedding(codes)
        n, length, width = features.shape
        x = F.pad(features, (0, 0, 1, 0)) + self.positions
        exists = F.pad(exists, (1, 0), value=True)
        qkv = self.qkv(self.norm1(x)).reshape(n, 1 + length, 3, HEADS, width // HEADS).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(*qkv.unbind(0), attn_mask=exists[:, None, None])
        x = x + self.mix(mixed.transpose(1, 2).reshape(n, 1 + length, width))
        x = self.norm3(x + self.narrow(F.silu(self.wide(self.norm2(x)))))
        share = exists[:, :, None].to(x.dtype)
        return x, exists, (x * share).sum(dim=1) / share.sum(dim=1)
