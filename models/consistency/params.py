"""Parameters of the method `consistency`. Imports no torch."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from models.consistency.text.chosen import Chosen
from models.consistency.text.vocabulary.params import Params as Vocabulary
from models.core.config import Config
from models.core.pinned_model import PinnedModel


class NetworkConfig(Config):
    """The U-Net (`models.consistency.unet`)."""

    channels: int = Field(24, ge=4, multiple_of=4)
    """Feature channels at the finest level. 24 trains in minutes on two cores; published models have 128."""
    multipliers: list[int] = Field([1, 2, 2], min_length=1, max_length=8)
    """Factor on `channels` for each level, finest first. Each level has half the side of the one before."""
    blocks: int = Field(1, ge=1, le=8)
    """Residual blocks per level."""
    attention: list[int] = [16]
    """Sides of the feature maps that have self-attention. Its cost grows with the fourth power of the side."""
    cross_attention: list[int] | None = None
    """Sides of the feature maps that attend to words, if words are a condition; null: those of `attention`."""
    patch: Literal[1, 2, 4] = 2
    """Side of the squares of pixels folded into channels at the input. 2 makes a step about four times cheaper."""
    polish: int = Field(0, ge=0, le=256)
    """Features of a pixel for a correction across the borders of patches (`Polish` in `unet.py`); 0 for none."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Share of features dropped in training. Large networks on few tiles need it; this small one does not."""

    @model_validator(mode="after")
    def _positive(self) -> NetworkConfig:
        if min(self.multipliers) < 1:
            raise ValueError("multipliers: each must be at least 1")
        return self

    def sides(self, px: int) -> list[int]:
        """Side of the feature map at each level for images of side `px`; ValueError if `px` does not fit."""
        whole = self.patch * 2 ** (len(self.multipliers) - 1)
        if px % whole:
            raise ValueError(
                f"network: patch and {len(self.multipliers)} multipliers need a side that is a multiple of {whole}"
            )
        sides = [px // self.patch >> level for level in range(len(self.multipliers))]
        for name, wanted in (("attention", self.attention), ("cross_attention", self.cross_attention or [])):
            if odd := [side for side in wanted if side not in sides]:
                raise ValueError(f"network: {name}: no level has side {odd[0]}; the levels have sides {sides}")
        return sides


class GuidanceConfig(Config):
    """Guidance by words, trained into the network (`models.consistency.guidance`)."""

    share: float = Field(0.1, ge=0, le=1)
    """Share of the tiles of a batch that train guidance. With 0 the network does not take the strength as an input, and
    a guided sample takes two passes of the network for each evaluation."""
    most: float = Field(4.0, gt=1)
    """Largest strength that training draws, and that the model then takes; 1 is no guidance."""


class AdversaryConfig(Config):
    """The adversary of the last part of training (`models.consistency.adversary`). Values without a reason are the
    first that were tried."""

    share: float = Field(0.0, ge=0, le=1)
    """Share of the steps, at the end, with an adversary; 0 for none. It needs a network that makes good samples."""
    alone: float = Field(0.08, gt=0, lt=1)
    """Share of that part, at its beginning, in which the heads learn alone."""
    lr: float = Field(1e-5, gt=0)
    """Learning rate of the denoiser against the adversary. 5e-5, without a penalty, made samples worse in 300 steps."""
    heads_lr: float = Field(5e-4, gt=0)
    """Learning rate of the heads."""
    gamma: float = Field(0.1, ge=0)
    """Weight of the penalty on heads whose scores change much with small changes of the features."""
    channels: int = Field(32, ge=4)
    """Channels of a head."""
    low: float = Field(0.02, gt=0)
    """Lowest level of the noise on the images that are judged."""
    high: float = Field(0.5, gt=0)
    """Highest level of that noise; the heads then judge large forms."""
    second: float = Field(0.34, ge=0, le=1)
    """Share of the samples that are made from tiles with noise of `mid_sigma`, in place of a second evaluation."""
    tuning_every: int = Field(2, ge=1)
    """Steps between two steps of consistency tuning in that part. They keep what the adversary does not see."""


class Params(Config):
    """Consistency training, alone or after diffusion training. Noise levels are in units of the encoded image."""

    product: ClassVar[str] = "heights"

    name: Literal["consistency"] = "consistency"
    network: NetworkConfig = NetworkConfig()
    """The network."""
    pretrain_share: float = Field(0.5, ge=0, lt=1)
    """Share of the steps spent on diffusion (EDM) before consistency tuning; 0 trains consistency from scratch."""
    sigma_min: float = Field(0.002, gt=0)
    """Lowest noise level (EDM)."""
    sigma_max: float = Field(40.0, gt=0)
    """Highest noise level. EDM has 80. Less noise is enough to hide all content of a small tile."""
    sigma_data: float = Field(0.5, gt=0)
    """Standard deviation of the encoded image (EDM)."""
    rho: float = Field(7.0, ge=1)
    """Exponent of the grid of noise levels: a larger value places more levels near `sigma_min` (EDM)."""
    p_mean: float = -0.4
    """Mean of the logarithm of the noise levels that training draws."""
    p_std: float = Field(1.4, gt=0)
    """Standard deviation of that logarithm."""
    tuning_p_mean: float | None = None
    """The mean in consistency tuning; null: as above. Details are learned at low levels, words at high ones."""
    tuning_p_std: float | None = Field(None, gt=0)
    """The standard deviation in consistency tuning; null: as above."""
    s0: int = Field(10, ge=1)
    """Intervals of the grid of noise levels at the beginning of consistency training (iCT)."""
    s1: int | None = Field(None, ge=1)
    """Intervals at its end; null derives them from the number of steps, in the published proportion."""
    mid_sigma: float = Field(0.8, gt=0)
    """Noise level at which the second of two sampling steps starts."""
    conditions: tuple[Literal["labels", "text", "coarse", "sketch", "known"], ...] = ()
    """Inputs that control the samples, in addition to the seed; `[]` for none. `labels`: class maps; `text`: words;
    `coarse`: means of blocks; `sketch`: lines of ridges and valleys; `known`: heights that are kept."""
    condition_dropout: float = Field(0.1, ge=0, le=1)
    """Share of tiles whose labels and words are hidden in training, so that the model can also sample without them."""
    hint_dropout: float = Field(0.75, ge=0, le=1)
    """Share of tiles whose coarse heights are hidden in training; of the sketches and the known heights, too. Each of
    them says so much about a tile that a model which always sees one learns little from words."""
    text: Chosen = Vocabulary()
    """The encoder of words, by the name of its folder in `models/consistency/text`, and its parameters."""
    text_width: int = Field(64, ge=8, multiple_of=8)
    """Channels of the features of a word."""
    guidance: GuidanceConfig = GuidanceConfig()
    """Guidance by words."""
    adversary: AdversaryConfig = AdversaryConfig()
    """An adversary in the last part of training."""
    coarse_px: int = Field(8, ge=2)
    """Side of the blocks whose means are the condition `coarse`, in pixels; it must divide the side of a tile."""

    start: PinnedModel | None = None
    """A model to start from, `{folder, sha256}`; layers of the same name and shape are taken from it."""

    @model_validator(mode="after")
    def _ordered(self) -> Params:
        if not self.sigma_min < self.mid_sigma < self.sigma_max:
            raise ValueError("mid_sigma must lie between sigma_min and sigma_max")
        if self.s1 is not None and self.s1 < self.s0:
            raise ValueError(f"s1 must be null or at least s0 ({self.s0})")
        against = self.adversary
        if self.pretrain_share + against.share > 1:
            raise ValueError("adversary.share and pretrain_share must be at most 1 together: diffusion comes first")
        if against.share == 1 and self.start is None:
            raise ValueError("adversary.share of 1 needs a start: features of an untrained network judge nothing")
        if not self.sigma_min <= against.low <= against.high <= self.sigma_max:
            raise ValueError("adversary.low and adversary.high must lie in this order between sigma_min and sigma_max")
        if self.baked and not self.pretrain_share and self.start is None:
            raise ValueError(
                "guidance.share needs a pretrain_share above 0, or a start: diffusion learns what guidance is"
            )
        return self

    @property
    def tuning(self) -> tuple[float, float]:
        """Mean and standard deviation of the logarithm of the noise levels in consistency tuning."""
        mean, std = self.tuning_p_mean, self.tuning_p_std
        return self.p_mean if mean is None else mean, self.p_std if std is None else std

    @property
    def baked(self) -> bool:
        """Whether the network takes the strength of guidance as an input."""
        return "text" in self.conditions and self.guidance.share > 0
