"""A small U-Net: residual blocks with an embedding of noise level and facts, self-attention, and attention to words."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.consistency.params import NetworkConfig
from models.consistency.text.trunk import Trunk

Words = tuple[Tensor, Tensor]
"""Features of texts (n, tokens, width), and which of them exist, bool (n, tokens)."""

EMBEDDING = 4  # width of the embedding divided by the channels of the finest level


def group_norm(channels: int, affine: bool = True) -> nn.GroupNorm:
    """At most 32 groups of at least 4 channels (channels are a multiple of 4)."""
    groups = next(count for count in range(min(32, channels // 4), 0, -1) if channels % count == 0)
    return nn.GroupNorm(groups, channels, eps=1e-5, affine=affine)


def zeroed(layer: nn.Module) -> nn.Module:
    """Set the weights of a layer to zero, so that its block is the identity before training."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer


class Embedding(nn.Module):
    """c_noise (n,) and facts (n, k) of the image to (n, width): sines at fixed, low frequencies, then two layers.

    Frequencies are low because f(x, σ) and f(x, σ + dσ) are trained to agree: features that change fast with σ make
    the target noisy (Song & Dhariwal 2023, section 3.3).
    """

    def __init__(self, width: int, facts: int):
        super().__init__()
        self.register_buffer("frequencies", torch.logspace(-2, 3, width // 2, base=2.0))
        inside = 2 * (width // 2) + facts
        self.layers = nn.Sequential(nn.Linear(inside, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU())

    def forward(self, c_noise: Tensor, facts: Tensor) -> Tensor:
        angles = c_noise[:, None] * self.frequencies
        return self.layers(torch.cat([angles.cos(), angles.sin(), facts], dim=1))


class ResidualBlock(nn.Module):
    """Two convolutions; the embedding scales and shifts the features between them."""

    def __init__(self, inside: int, outside: int, embedding: int, dropout: float):
        super().__init__()
        self.norm1, self.conv1 = group_norm(inside), nn.Conv2d(inside, outside, 3, padding=1)
        self.modulate = zeroed(nn.Linear(embedding, 2 * outside))
        self.norm2, self.dropout = group_norm(outside), nn.Dropout(dropout)
        self.conv2 = zeroed(nn.Conv2d(outside, outside, 3, padding=1))
        self.skip = nn.Conv2d(inside, outside, 1) if inside != outside else nn.Identity()

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        h = self.conv1(F.silu(self.norm1(x)))
        scale, shift = self.modulate(embedding)[:, :, None, None].chunk(2, dim=1)
        h = torch.addcmul(shift, self.norm2(h), scale + 1)
        return self.skip(x) + self.conv2(self.dropout(F.silu(h)))


class Attention(nn.Module):
    """Self-attention over all positions of the feature map, in heads of about 32 channels."""

    def __init__(self, channels: int):
        super().__init__()
        self.heads = max(1, channels // 32)
        if channels % self.heads:
            self.heads = 1
        self.norm, self.qkv = group_norm(channels), nn.Conv2d(channels, 3 * channels, 1)
        self.out = zeroed(nn.Conv2d(channels, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        n, c, h, w = x.shape
        qkv = self.qkv(self.norm(x)).reshape(n, 3, self.heads, c // self.heads, h * w).transpose(3, 4)
        mixed = F.scaled_dot_product_attention(*qkv.unbind(1))
        return x + self.out(mixed.transpose(2, 3).reshape(n, c, h, w))


class CrossAttention(nn.Module):
    """Attention of each position of the feature map to the features of a text, in heads of about 32 channels."""

    def __init__(self, channels: int, width: int):
        super().__init__()
        self.heads = max(1, channels // 32)
        if channels % self.heads:
            self.heads = 1
        self.norm, self.query = group_norm(channels), nn.Conv2d(channels, channels, 1)
        self.pair = nn.Linear(width, 2 * channels)
        self.out = zeroed(nn.Conv2d(channels, channels, 1))

    def forward(self, x: Tensor, words: Words) -> Tensor:
        features, exists = words
        n, c, h, w = x.shape
        query = self.query(self.norm(x)).reshape(n, self.heads, c // self.heads, h * w).transpose(2, 3)
        pair = self.pair(features).reshape(n, -1, 2, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(query, *pair.unbind(0), attn_mask=exists[:, None, None])
        return x + self.out(mixed.transpose(2, 3).reshape(n, c, h, w))


class Stage(nn.Module):
    """One residual block, with attention if the feature map is small enough."""

    def __init__(self, inside: int, outside: int, embedding: int, dropout: float, attend: bool, words: int):
        super().__init__()
        self.block = ResidualBlock(inside, outside, embedding, dropout)
        self.attention = Attention(outside) if attend else nn.Identity()
        self.words = CrossAttention(outside, words) if words else None

    def forward(self, x: Tensor, embedding: Tensor, words: Words | None) -> Tensor:
        x = self.attention(self.block(x, embedding))
        return x if self.words is None else self.words(x, words)


class Polish(nn.Module):
    """A correction of the output at full resolution: features of each pixel, then convolutions across the patches.

    Pixels of one patch come from one position of the finest feature map, so without it the differences between
    neighbours in one patch and across two patches have different sizes.

    Args:
        width: channels of the finest feature map. features: of a pixel. channels: of an image. patch: side of a patch.
    """

    def __init__(self, width: int, features: int, channels: int, patch: int):
        super().__init__()
        self.patch = patch
        self.unfold = nn.Conv2d(width, features * patch**2, 3, padding=1)
        self.mix = nn.Conv2d(features + channels, features, 3, padding=1)
        self.out = zeroed(nn.Conv2d(features, channels, 3, padding=1))

    def forward(self, x: Tensor, image: Tensor) -> Tensor:
        features = F.silu(F.pixel_shuffle(self.unfold(x), self.patch))
        return image + self.out(F.silu(self.mix(torch.cat([features, image], dim=1))))


class UNet(nn.Module):
    """F(x, c_noise, facts): images (n, channels, px, px), noise levels (n,) and facts (n, facts) to images.

    The output has the shape of the input images.

    Args:
        config: depth and width. px: side of the images. channels: number of channels of an image.
        facts: number of facts of an image.
        maps: condition to the channels of its map, (n, channels, px / patch, px / patch).
        trunk: reads the texts of the condition `text`; None for a network without words.
        guided: whether the network takes the strength of guidance, (n,), as the condition `guidance`.
    Attributes:
        feature_widths: channels of the feature maps that `forward` returns.
    Raises:
        ValueError: `px` does not fit the configuration.
    """

    def __init__(
        self,
        config: NetworkConfig,
        px: int,
        channels: int,
        facts: int,
        maps: Mapping[str, int] | None = None,
        trunk: Trunk | None = None,
        guided: bool = False,
    ):
        super().__init__()
        sides = config.sides(px)
        widths = [config.channels * multiplier for multiplier in config.multipliers]
        embedding = EMBEDDING * config.channels
        folded = channels * config.patch**2
        words = 0 if trunk is None else trunk.norm3.normalized_shape[0]
        listening = config.attention if config.cross_attention is None else config.cross_attention

        def stage(inside: int, level: int) -> Stage:
            side = sides[level]
            heard = words if side in listening else 0
            return Stage(inside, widths[level], embedding, config.dropout, side in config.attention, heard)

        self.patch, self.maps = config.patch, dict(maps or {})
        self.embedding = Embedding(embedding, facts + words + guided)
        self.first = nn.Conv2d(folded + sum(self.maps.values()), widths[0], 3, padding=1)
        self.down, self.shrink = nn.ModuleList(), nn.ModuleList()
        width, skips = widths[0], [widths[0]]
        for level in range(len(widths)):
            self.down.append(nn.ModuleList())
            for _ in range(config.blocks):
                self.down[-1].append(stage(width, level))
                width = widths[level]
                skips.append(width)
            if level + 1 < len(widths):
                self.shrink.append(nn.Conv2d(width, width, 3, stride=2, padding=1))
                skips.append(width)
        self.middle = stage(width, len(widths) - 1)
        self.up, self.grow = nn.ModuleList(), nn.ModuleList()
        for level in reversed(range(len(widths))):
            self.up.append(nn.ModuleList())
            for _ in range(config.blocks + 1):
                self.up[-1].append(stage(width + skips.pop(), level))
                width = widths[level]
            if level:
                self.grow.append(nn.Conv2d(width, width, 3, padding=1))
        self.last = nn.Sequential(group_norm(width), nn.SiLU(), zeroed(nn.Conv2d(width, folded, 3, padding=1)))
        self.polish = Polish(width, config.polish, channels, config.patch) if config.polish else None
        self.trunk, self.guided = trunk, guided
        self.feature_widths = [*widths, *widths[::-1]]

    def forward(
        self,
        x: Tensor,
        c_noise: Tensor,
        facts: Tensor,
        conditions: Mapping[str, Tensor] | None = None,
        features: bool = False,
    ) -> Tensor | list[Tensor]:
        """Return F. `conditions` must have every map of `maps`, and `text` and `guidance` if the network takes them.

        With `features`, return instead the feature maps of each level, on the way down and on the way up. It is a flag
        and not a method, because torch.compile compiles `forward`.
        """
        words = None
        if self.trunk is not None:
            read, exists, summary = self.trunk(conditions["text"])
            words, facts = (read, exists), torch.cat([facts, summary], dim=1)
        if self.guided:
            facts = torch.cat([facts, conditions["guidance"].log()[:, None]], dim=1)
        embedding = self.embedding(c_noise, facts)
        x = F.pixel_unshuffle(x, self.patch)
        x = self.first(torch.cat([x, *(conditions[name] for name in self.maps)], dim=1) if self.maps else x)
        skips, levels = [x], []
        for level, stages in enumerate(self.down):
            for stage in stages:
                x = stage(x, embedding, words)
                skips.append(x)
            if features:
                levels.append(x)
            if level < len(self.shrink):
                x = self.shrink[level](x)
                skips.append(x)
        x = self.middle(x, embedding, words)
        for level, stages in enumerate(self.up):
            for stage in stages:
                x = stage(torch.cat([x, skips.pop()], dim=1), embedding, words)
            if features:
                levels.append(x)
            if level < len(self.grow):
                x = self.grow[level](F.interpolate(x, scale_factor=2, mode="nearest"))
        if features:
            return levels
        normed = self.last[:2](x)
        image = F.pixel_shuffle(self.last[2](normed), self.patch)
        return image if self.polish is None else self.polish(normed, image)
