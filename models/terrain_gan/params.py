"""Parameters of the method `terrain_gan`. Imports no torch."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from models.core.config import Config, PinnedFile


class GeneratorConfig(Config):
    """The generator of texture and height (`models.terrain_gan.spade`)."""

    channels: list[int] = Field([48, 48, 32, 24, 16], min_length=1, max_length=8)
    """Feature channels of each level, coarsest first. Each level has twice the side of the one before."""
    hidden: int = Field(16, ge=1)
    """Channels of the class features in each block."""
    z: int = Field(16, ge=1)
    """Random numbers that all pixels of a map share."""

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
    """The discriminator (`models.terrain_gan.discriminator`)."""

    channels: int = Field(24, ge=1)
    """Feature channels of the first layer. Each next layer has twice as many, up to eight times the first."""
    layers: int = Field(3, ge=1, le=8)
    """Number of layers before the output; each halves the side of the picture."""
    scales: int = Field(2, ge=1, le=6)
    """Number of discriminators; each gets the picture at half the side of the previous one."""
    lr_ratio: float = Field(4.0, gt=0)
    """Learning rate of the discriminator divided by that of the generator (SPADE)."""


class BalanceConfig(Config):
    """Conditions for a pause of the generator (`models.terrain_gan.balance`).

    Losses are shares of the loss of a discriminator that always returns 0.
    """

    stop: float = Field(0.9, gt=0)
    """The generator pauses when the loss of the discriminator is at least this."""
    resume: float = Field(0.8, gt=0)
    """The generator learns again when the loss of the discriminator is below this."""
    rest: int = Field(2, ge=0)
    """Largest number of consecutive steps that the generator pauses."""

    @model_validator(mode="after")
    def _ordered(self) -> BalanceConfig:
        if self.resume > self.stop:
            raise ValueError(f"resume must not be above stop ({self.stop})")
        return self


class PerceptualConfig(Config):
    """The perceptual loss (`models.core.perceptual`)."""

    weight: float = Field(2.0, ge=0)
    """Weight of the loss; 0 turns it off."""
    vgg19: PinnedFile | None = None
    """Weights of VGG-19, `{path, sha256}`; null uses a fixed random network instead, and the log says so."""


class Params(Config):
    """Texture and height from class maps, by a GAN that keeps the light and shadow of its data out of the texture."""

    product: ClassVar[str] = "painting"

    name: Literal["terrain_gan"] = "terrain_gan"
    generator: GeneratorConfig = GeneratorConfig()
    """The generator."""
    discriminator: DiscriminatorConfig = DiscriminatorConfig()
    """The discriminator."""
    shadow: int = Field(32, ge=1)
    """Channels between the two layers of the shadow network."""
    flipped_route: bool = True
    """Whether the discriminator also gets each painting flipped under the same sun. This reveals light in a texture."""
    flatness: float = Field(10.0, ge=0)
    """Weight of the loss on light in the texture, measured from both routes; 0 turns it off."""
    feature_matching: float = Field(10.0, ge=0)
    """Weight of the distance between the discriminator's features of paintings and of data; 0 turns it off."""
    perceptual: PerceptualConfig = PerceptualConfig()
    """The perceptual loss."""
    balance: BalanceConfig = BalanceConfig()
    """Conditions for a pause of the generator."""

    def check(self, px: int) -> None:
        """Raise a ValueError if tiles of side `px` do not fit."""
        if px % self.generator.stride:
            raise ValueError(
                f"generator.channels: {len(self.generator.channels)} levels need a side that is a multiple of "
                f"{self.generator.stride}"
            )
        halvings = self.discriminator.layers + self.discriminator.scales - 1
        if px < 2**halvings:
            raise ValueError(f"discriminator: {halvings} halvings (layers, scales) leave nothing of the picture")
