"""A DCGAN (Radford et al. 2015, arXiv 1511.06434) for small sets of pictures.

Small sets make a GAN collapse. What delays it is a parameter here: a large latent, many batches an epoch, and a
discriminator that pauses every other epoch. With `relativistic` the loss is that of R3GAN (Huang et al. 2025, arXiv
2501.05441), whose penalties make training converge locally: the penalty runs in every step, with its full gradient.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from models.core.adversarial import fooling, gradient_penalty, judging, published_gamma
from models.core.method import Batch, Logs, Phase, State
from models.core.record import Loaded
from models.dcgan.networks import Discriminator, Generator
from models.dcgan.params import FEW_BATCHES, Params


class Dcgan:
    """The method `dcgan`. A batch has `image` (n, 3, px, px) in -1..1.

    Args:
        params: as validated. px: side of the images. channels: of an image. lr: learning rate of the generator.
        batches: steps of an epoch.
    Raises:
        ValueError: pictures of this side cannot be made.
    """

    ema = ("generator",)

    def __init__(self, params: Params, px: int, channels: int, lr: float, batches: int):
        self.params, self.px, self.lr, self.batches = params, px, lr, batches
        self.gamma = params.gamma
        if self.gamma is None:
            self.gamma = published_gamma(params.loss, px, 1) if params.loss == "relativistic" else 0.0
        self.networks = nn.ModuleDict(
            {
                "generator": Generator(params.generator, px, channels),
                "discriminator": Discriminator(params.discriminator, px, channels, params.norm),
            }
        )
        self.memory: dict[str, float] = {}

    def load(self, root: Path) -> Loaded:
        """Facts about the epochs; a note where they are short."""
        facts = {"gamma": self.gamma, "batches": self.batches}
        if self.batches >= FEW_BATCHES:
            return Loaded(facts)
        note = f"an epoch has only {self.batches} batches: below {FEW_BATCHES}, collapse tends to come soon"
        return Loaded(facts, (f"{note}; a smaller train.batch gives more",))

    def phases(self) -> list[Phase]:
        """The discriminator except in epochs in which it pauses, then the generator."""
        judge = self._adam(self.lr * self.params.discriminator.lr_ratio)
        return [
            Phase("discriminator", ("discriminator",), judge, self._judging, self._learns),
            Phase("generator", ("generator",), self._adam(self.lr), self._painting),
        ]

    def _adam(self, lr: float) -> partial[torch.optim.Adam]:
        return partial(torch.optim.Adam, lr=lr, betas=(self.params.momentum, 0.999))

    def _learns(self, state: State, logs: Logs) -> bool:
        return state.step // self.batches % self.params.discriminator.learns_every == 0

    def _judging(self, batch: Batch, state: State) -> tuple[Tensor, Logs]:
        judge, kind, image = state.networks["discriminator"], self.params.loss, batch["image"]
        with torch.no_grad():
            fake = state.networks["generator"](self._latents(image))
        # Real and generated pictures in separate batches, because batch normalisation would mix them.
        real_score, fake_score = judge(image), judge(fake)
        loss = judging(kind, real_score, fake_score)
        logs = {"margin": (real_score - fake_score).detach().mean()}
        if self.gamma:
            # `forward` is not compiled; compiled code has no second derivatives.
            logs["r1"] = gradient_penalty(judge.forward, image).mean()
            total = logs["r1"]
            if kind == "relativistic":
                logs["r2"] = gradient_penalty(judge.forward, fake).mean()
                total = total + logs["r2"]
            loss = loss + self.gamma / 2 * total
        return loss, logs

    def _painting(self, batch: Batch, state: State) -> tuple[Tensor, Logs]:
        judge, kind, image = state.networks["discriminator"], self.params.loss, batch["image"]
        score = judge(state.networks["generator"](self._latents(image)))
        return fooling(kind, judge(image) if kind == "relativistic" else None, score), {}

    def _latents(self, image: Tensor) -> Tensor:
        return torch.randn(len(image), self.params.generator.z, device=image.device)
