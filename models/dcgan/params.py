"""Parameters of the method `dcgan`. Imports no torch."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from models.core.config import Config

FEW_BATCHES = 17
"""With fewer batches an epoch, collapse came much sooner in the experiments that this method repeats."""


class GeneratorConfig(Config):
    """The generator (`models.dcgan.networks`)."""

    z: int = Field(128, ge=1)
    """Random numbers that a picture is made from. A small number makes collapse come sooner."""
    channels: int = Field(32, ge=1)
    """Feature channels of the finest level before the picture. Each coarser level has twice as many, up to `most`."""
    most: int = Field(256, ge=1)
    """Largest number of channels of a level. The paper has 1024 at 4 pixels for pictures of 64."""


class DiscriminatorConfig(Config):
    """The discriminator (`models.dcgan.networks`)."""

    channels: int = Field(32, ge=1)
    """Feature channels of the finest level. Each coarser level has twice as many, up to `most`."""
    most: int = Field(256, ge=1)
    """Largest number of channels of a level."""
    norm: Literal["batch", "none"] | None = None
    """Normalisation between layers; null: `batch` as in the paper, and `none` for `relativistic` (R3GAN)."""
    learns_every: int = Field(1, ge=1)
    """It learns in every n-th epoch and pauses in the others. 2 delays collapse: it pauses every other epoch."""
    lr_ratio: float = Field(1.0, gt=0)
    """Its learning rate divided by that of the generator."""


class Params(Config):
    """A small convolutional GAN for pictures of 160 pixels, or of any multiple of 16."""

    product: ClassVar[str] = "image"
    latent: ClassVar[tuple[str, ...]] = ("points",)

    name: Literal["dcgan"] = "dcgan"
    generator: GeneratorConfig = GeneratorConfig()
    """The generator."""
    discriminator: DiscriminatorConfig = DiscriminatorConfig()
    """The discriminator."""
    loss: Literal["logistic", "relativistic"] = "logistic"
    """`logistic`: non-saturating, as in the paper. `relativistic`: pairs of real and fake, with R1 and R2 (R3GAN)."""
    gamma: float | None = Field(None, ge=0)
    """Weight of the gradient penalty; null: none for `logistic`, 2 · (px / 64)² for `relativistic` (R3GAN at 64)."""
    batches: int | None = Field(None, ge=1)
    """Steps of an epoch; null: the number of training tiles divided by the batch."""
    momentum: float = Field(0.5, ge=0, lt=1)
    """First decay of Adam. The paper found 0.9 unstable; penalties allow 0."""

    @property
    def norm(self) -> bool:
        """Whether the discriminator normalises its features over the batch."""
        return (self.discriminator.norm or ("none" if self.loss == "relativistic" else "batch")) == "batch"

    def steps_of_epoch(self, tiles: int, batch: int) -> int:
        """Number of steps of an epoch."""
        return self.batches or max(1, tiles // batch)


def halvings(px: int) -> int:
    """How often the side can be halved until it is below 8; ValueError if `px` is not a multiple of 16."""
    if px < 16 or px % 16:
        raise ValueError(f"dcgan makes pictures whose side is a multiple of 16, not {px}")
    count = 0
    while px % 2 == 0 and px >= 8:
        px, count = px // 2, count + 1
    return count
