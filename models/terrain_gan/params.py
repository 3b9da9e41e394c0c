"""Parameters of the method `terrain_gan`. Imports no torch."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from models.core.config import Config, PinnedFile


class GeneratorConfig(Config):
    """The painter of texture and height (`models.terrain_gan.spade`)."""

    channels: list[int] = Field([48, 48, 32, 24, 16], min_length=1, max_length=8)
    """Feature channels of each level, coarsest first. Each level has twice the side of the one before."""
    hidden: int = Field(16, ge=1)
    """Channels in which each block sees the classes."""
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
    """Feature channels of the first layer; each next layer has twice as many, up to eight times."""
    layers: int = Field(3, ge=1, le=8)
    """Layers before the output; each halves the side of the picture."""
    scales: int = Field(2, ge=1, le=6)
    """Copies of the discriminator; each sees the picture at half the side of the one before."""
    lr_ratio: float = Field(4.0, gt=0)
    """Learning rate of the discriminator over that of the generator (SPADE)."""


class BalanceConfig(Config):
    """When the generator pauses (`models.terrain_gan.balance`).

    Losses are shares of the loss of a discriminator that knows nothing.
    """

    stop: float = Field(0.9, gt=0)
    """The generator pauses once the loss of the discriminator is at least this."""
    resume: float = Field(0.8, gt=0)
    """The generator learns again once the loss of the discriminator is below this."""
    rest: int = Field(2, ge=0)
    """Most steps in a row that the generator pauses."""

    @model_validator(mode="after")
    def _ordered(self) -> BalanceConfig:
        if self.resume > self.stop:
            raise ValueError(f"resume must not be above stop ({self.stop})")
        return self


class PerceptualConfig(Config):
    """The perceptual loss (`models.terrain_gan.perceptual`)."""

    weight: float = Field(2.0, ge=0)
    """Weight of the loss; 0 leaves it out."""
    vgg19: PinnedFile | None = None
    """Weights of VGG-19, `{path, sha256}`; null compares by a fixed random network, and the log says so."""


class Params(Config):
    """Texture and height from class maps, by a GAN that keeps the sun of its data out of the texture."""

    product: ClassVar[str] = "painting"

    name: Literal["terrain_gan"] = "terrain_gan"
    generator: GeneratorConfig = GeneratorConfig()
    """The generator."""
    discriminator: DiscriminatorConfig = DiscriminatorConfig()
    """The discriminator."""
    shadow: int = Field(32, ge=1)
    """Channels between the two layers of the shadow network."""
    flipped_route: bool = True
    """Whether the discriminator also sees each painting turned under the same sun, which reveals light in a texture."""
    flatness: float = Field(10.0, ge=0)
    """Weight of the light that both routes find in the texture; 0 leaves it to the discriminator."""
    feature_matching: float = Field(10.0, ge=0)
    """Weight of the distance between the discriminator's features of paintings and of data; 0 leaves it out."""
    perceptual: PerceptualConfig = PerceptualConfig()
    """The perceptual loss."""
    balance: BalanceConfig = BalanceConfig()
    """When the generator pauses."""

    def check(self, px: int) -> None:
        """ValueError where tiles of side `px` do not fit."""
        if px % self.generator.stride:
            raise ValueError(
                f"generator.channels: {len(self.generator.channels)} levels need a side that is a multiple of "
                f"{self.generator.stride}"
            )
        halvings = self.discriminator.layers + self.discriminator.scales - 1
        if px < 2**halvings:
            raise ValueError(f"discriminator: {halvings} halvings (layers, scales) leave nothing of the picture")
