"""Parameters of the method `stylegan2`. Imports no torch."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field, model_validator

from models.core.config import Config
from models.core.pinned_model import PinnedModel

SIDES = (32, 64, 128, 256, 512, 1024)
"""Sides of pictures that the networks can make."""
Group = Literal["blit", "geometric", "color", "filter", "noise", "cutout"]


class GeneratorConfig(Config):
    """Mapping and synthesis network (`models.stylegan2.mapping`, `models.stylegan2.synthesis`)."""

    z: int = Field(512, ge=1)
    """Random numbers that a picture is made from."""
    w: int = Field(512, ge=1)
    """Width of the mapping network and of a style."""
    mapping: int = Field(2, ge=1, le=16)
    """Layers of the mapping network. The published automatic settings have 2, the paper's large models 8."""
    mapping_rate: float = Field(0.01, gt=0)
    """Factor on the learning rate of the mapping network (StyleGAN)."""
    width: int | None = Field(None, ge=1)
    """Channels of a level are width / side; null: 16384, and 32768 from 512 pixels on (the published settings)."""
    most: int = Field(512, ge=1)
    """Largest number of channels of a level."""
    mixing: float = Field(0.9, ge=0, le=1)
    """Share of steps in which the fine layers get the style of another latent (style mixing)."""


class DiscriminatorConfig(Config):
    """The discriminator (`models.stylegan2.discriminator`)."""

    width: int | None = Field(None, ge=1)
    """As `generator.width`; null: the same channels as the generator."""
    most: int | None = Field(None, ge=1)
    """As `generator.most`; null: the same as the generator."""
    group: int | None = Field(None, ge=1)
    """Pictures whose standard deviation becomes a feature; null: 4, or the batch if it is smaller."""


class LossConfig(Config):
    """Losses and penalties (`models.core.adversarial`, `models.stylegan2.path_length`)."""

    kind: Literal["logistic", "relativistic"] = "logistic"
    """`logistic`: non-saturating, with R1. `relativistic`: pairs of real and fake, with R1 and R2 (R3GAN)."""
    gamma: float | None = Field(None, ge=0)
    """Weight of R1 (and R2). Null: 0.0002 · px² / batch, or 2 · (px / 64)² for `relativistic`, the published values."""
    penalty_every: int | None = Field(None, ge=1)
    """Steps between two penalties of the discriminator; null: 16, and 1 for `relativistic`, as published."""
    path_length: float = Field(2.0, ge=0)
    """Weight of the path length penalty; 0 turns it off."""
    path_every: int = Field(4, ge=1)
    """Steps between two path length penalties."""
    path_shrink: int = Field(2, ge=1)
    """The path length is measured on 1 / path_shrink of the batch, because it needs more memory."""
    path_decay: float = Field(0.01, gt=0, le=1)
    """Share of the newest path length in its running mean."""

    @property
    def every(self) -> int:
        """Steps between two penalties of the discriminator."""
        return self.penalty_every or (1 if self.kind == "relativistic" else 16)


class AugmentConfig(Config):
    """Augmentation of what the discriminator sees (`models.stylegan2.augment`)."""

    groups: tuple[Group, ...] | None = None
    """Groups of transformations; null: blit, geometric and color, and without color for heights. () turns all off."""
    lettering: bool = False
    """Whether pictures have letters: then nothing is mirrored or rotated, and stretching is the same on both axes."""
    p: float | None = Field(None, ge=0, le=1)
    """Probability of each transformation; null: adapted to how much the discriminator overfits."""
    target: float = Field(0.6, gt=0, lt=1)
    """Mean sign of the discriminator's output for real pictures that the adaptation aims at."""
    images: float = Field(500_000, gt=0)
    """Real pictures in which p can go from 0 to 1. Shorter is faster and noisier; transfer learning takes 100,000."""
    every: int = Field(4, ge=1)
    """Steps between two changes of p."""
    highest: float = Field(0.8, gt=0, le=1)
    """Largest p. Above about 0.8, transformations leak into the generated pictures (paper, section 2.2)."""

    @model_validator(mode="after")
    def _once(self) -> AugmentConfig:
        if self.groups is not None and len(set(self.groups)) < len(self.groups):
            raise ValueError("groups: a group is named twice")
        return self


class Params(Config):
    """StyleGAN2 with adaptive discriminator augmentation: pictures or heights from noise, in one evaluation."""

    name: Literal["stylegan2"] = "stylegan2"
    layer: Literal["color", "height"] = "color"
    """What it learns and makes: `color` for pictures (product `image`), `height` for terrain (product `heights`)."""
    generator: GeneratorConfig = GeneratorConfig()
    """The generator."""
    discriminator: DiscriminatorConfig = DiscriminatorConfig()
    """The discriminator."""
    loss: LossConfig = LossConfig()
    """Losses and penalties."""
    augment: AugmentConfig = AugmentConfig()
    """Augmentation of what the discriminator sees."""
    bf16_levels: int = Field(4, ge=0)
    """Number of the finest levels that compute in bf16, if `train.precision` allows bf16. Published: 4, in fp16."""
    start: PinnedModel | None = None
    """A model to start from, `{folder, sha256}`; layers of the same name and shape are taken from it."""

    @property
    def product(self) -> str:
        """The product of the finished model."""
        return {"color": "image", "height": "heights"}[self.layer]

    @property
    def latent(self) -> tuple[str, ...]:  # type: ignore[override]
        """What the latent space supports. Facts about heights are inputs too, so heights have no such space."""
        return ("points", "styles", "plane") if self.layer == "color" else ()

    @property
    def groups(self) -> tuple[Group, ...]:
        """Groups of transformations that are on."""
        if self.augment.groups is not None:
            return self.augment.groups
        return ("blit", "geometric", "color") if self.layer == "color" else ("blit", "geometric")

    @model_validator(mode="after")
    def _keeps_heights(self) -> Params:
        if self.layer == "height" and "color" in self.groups:
            raise ValueError("augment.groups: color changes the meaning of heights; leave it out")
        return self

    def channels(self, px: int, side: int, discriminator: bool = False) -> int:
        """Channels of the level with this side, for pictures of side `px`."""
        own = self.discriminator if discriminator else self.generator
        width = own.width or self.generator.width or (32768 if px >= 512 else 16384)
        return max(1, min(width // side, own.most or self.generator.most))


def levels(px: int) -> list[int]:
    """Sides of the levels of a network for pictures of side `px`: 4, 8, … px; ValueError if `px` does not fit."""
    if px not in SIDES:
        raise ValueError(f"stylegan2 makes pictures of {', '.join(map(str, SIDES))} pixels, not of {px}")
    return [2**power for power in range(2, int(math.log2(px)) + 1)]


def automatic(px: int) -> dict[str, float]:
    """Published settings for one GPU that are not parameters of the method: batch, learning rate, half-life in steps.

    batch = min(4096 / px, 32); lr = 0.0025, or 0.002 from 1024 pixels on; the average has a half-life of
    10/32 thousand batches, so of 312.5 steps.
    """
    return {"batch": max(1, min(4096 // px, 32)), "lr": 0.002 if px >= 1024 else 0.0025, "ema_half_life": 312.5}
