"""What a person may set about networks and methods. Knows no torch, so that parameters check in a moment.

No model here carries a default: every value stands in `params.yaml`, and a trained model carries its own
copy in `config.json`.
"""

from __future__ import annotations

import math
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Config(BaseModel):
    """Unknown keys are refused; a configuration never changes once it is made."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class NetworkConfig(Config):
    """A U-Net (`models.consistency.unet`)."""

    channels: int = Field(ge=4, multiple_of=4)  # feature channels at the finest level
    multipliers: list[int] = Field(min_length=1, max_length=8)  # of `channels`, level by level; each level halves
    blocks: int = Field(ge=1, le=8)  # residual blocks a level
    attention: list[int]  # self-attention where the feature map has one of these sides
    patch: Literal[1, 2, 4]  # pixels folded into channels at the door: 2 makes a step about four times cheaper
    dropout: float = Field(ge=0, lt=1)

    @model_validator(mode="after")
    def _positive(self) -> NetworkConfig:
        if min(self.multipliers) < 1:
            raise ValueError("multipliers: each must be at least 1")
        return self

    def sides(self, px: int) -> list[int]:
        """Side of the feature map at each level for images of side `px`; ValueError where it does not go."""
        whole = self.patch * 2 ** (len(self.multipliers) - 1)
        if px % whole:
            raise ValueError(f"patch and {len(self.multipliers)} multipliers need a side that is a multiple of {whole}")
        sides = [px // self.patch >> level for level in range(len(self.multipliers))]
        odd = [side for side in self.attention if side not in sides]
        if odd:
            raise ValueError(f"attention: no level has side {odd[0]}; the levels have sides {sides}")
        return sides


class ConsistencyConfig(Config):
    """Consistency training (`models.consistency.method`). Noise levels are in units of the encoded image."""

    pretrain_share: float = Field(ge=0, lt=1)
    sigma_min: float = Field(gt=0)
    sigma_max: float = Field(gt=0)
    sigma_data: float = Field(gt=0)
    rho: float = Field(ge=1)
    p_mean: float
    p_std: float = Field(gt=0)
    s0: int = Field(ge=1)
    s1: int | None = Field(ge=1)
    mid_sigma: float = Field(gt=0)
    condition: Literal["none", "labels"]  # what else steers the samples
    condition_dropout: float = Field(ge=0, le=1)  # share of tiles whose condition is hidden, so that it can be left out

    @model_validator(mode="after")
    def _ordered(self) -> ConsistencyConfig:
        if not self.sigma_min < self.mid_sigma < self.sigma_max:
            raise ValueError("mid_sigma must lie between sigma_min and sigma_max")
        if self.s1 is not None and self.s1 < self.s0:
            raise ValueError(f"s1 must be null or at least s0 ({self.s0})")
        return self


class GeneratorConfig(Config):
    """The painter of texture and height (`models.terrain_gan.spade`)."""

    channels: list[int] = Field(min_length=1, max_length=8)  # of each level, coarsest first; each doubles the side
    hidden: int = Field(ge=1)  # channels in which each block sees the classes
    z: int = Field(ge=1)  # numbers that a whole map shares

    @model_validator(mode="after")
    def _positive(self) -> GeneratorConfig:
        if min(self.channels) < 1:
            raise ValueError("channels: each must be at least 1")
        return self

    @property
    def stride(self) -> int:
        """Both sides of a map must be multiples of it."""
        return 2 ** (len(self.channels) - 1)


class DiscriminatorConfig(Config):
    """The judge (`models.terrain_gan.discriminator`)."""

    channels: int = Field(ge=1)  # of its first layer; each of the next has twice as many, up to eight times
    layers: int = Field(ge=1, le=8)  # each halves the picture
    scales: int = Field(ge=1, le=6)  # each sees half the picture of the one before
    lr_ratio: float = Field(gt=0)  # its learning rate over the generator's


class BalanceConfig(Config):
    """When the generator rests (`balance`); losses as shares of that of a judge who knows nothing."""

    stop: float = Field(gt=0)
    resume: float = Field(gt=0)
    rest: int = Field(ge=0)  # most steps in a row

    @model_validator(mode="after")
    def _ordered(self) -> BalanceConfig:
        if self.resume > self.stop:
            raise ValueError(f"resume must not be above stop ({self.stop})")
        return self


class PerceptualConfig(Config):
    """The perceptual loss (`models.terrain_gan.perceptual`)."""

    weight: float = Field(ge=0)  # 0 leaves it out
    vgg19: str | None  # path of a file of weights; null takes a fixed random network, and says so


class TerrainGanConfig(Config):
    """The method `terrain_gan` (`models.terrain_gan.method`)."""

    generator: GeneratorConfig
    discriminator: DiscriminatorConfig
    shadow: int = Field(ge=1)  # channels between the two layers of the shadow network
    flipped_route: bool
    flatness: float = Field(ge=0)  # weight of the light that both routes find in the texture; 0 leaves it to the judge
    feature_matching: float = Field(ge=0)  # weight; 0 leaves it out
    perceptual: PerceptualConfig
    balance: BalanceConfig

    def check(self, px: int) -> None:
        """ValueError where tiles of side `px` do not go."""
        if px % self.generator.stride:
            raise ValueError(
                f"generator.channels: {len(self.generator.channels)} levels need a side that is a multiple of "
                f"{self.generator.stride}"
            )
        halvings = self.discriminator.layers + self.discriminator.scales - 1
        if px < 2**halvings:
            raise ValueError(f"discriminator: {halvings} halvings (layers, scales) leave nothing of the picture")


class LoopConfig(Config):
    """The training loop (`models.core.loop`), whatever the method."""

    steps: int = Field(ge=1)
    lr: float = Field(gt=0)
    warmup: int = Field(ge=0)  # steps over which the learning rate rises from nothing
    cooldown: float = Field(ge=0, le=1)  # share of the steps, at the end, over which it falls to nothing
    clip: float = Field(gt=0)  # largest norm of a step's gradient
    ema_half_life: float = Field(gt=0)  # steps after which an old weight counts half
    log_every: int = Field(ge=1)  # a point of the curve is the mean over so many steps
    checkpoint_every: int = Field(ge=1)
    picture_every: int = Field(ge=1)

    def rate(self, step: int) -> float:
        """Share of the learning rate at `step` (0-based): up, level, down."""
        up = min(1.0, (step + 1) / (self.warmup + 1))
        fall = math.ceil(self.steps * self.cooldown)
        down = min(1.0, (self.steps - step) / fall) if fall else 1.0
        return min(up, down)
