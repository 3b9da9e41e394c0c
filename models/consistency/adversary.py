"""An adversary for the last part of training. It compares samples of one evaluation with real tiles.

A distance between two images is lowest at their mean, which is smooth. An adversary says instead how well a sample can
be told from a real tile. It judges features of the denoiser as it was when this part began, of images with a little
noise. They stay fixed (Sauer et al. 2021, arXiv 2111.01007; Sauer et al. 2024, arXiv 2403.12015). Small heads on these
features learn, in few steps because the features are good already.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from models.consistency.edm import given, scaled
from models.consistency.unet import group_norm
from models.core.adversarial import fooling, judging
from models.core.method import Batch, Logs, Phase, State

if TYPE_CHECKING:
    from models.consistency.method import Consistency

LOSS = "relativistic"
BETAS = (0.5, 0.999)  # of Adam
SHAKE = 0.1
"""Noise on features for the penalty of the heads, as a share of their standard deviation."""


class Heads(nn.Module):
    """One head for each map of features: (n, c, h, w) to a score (n,), the mean over all places; high means real.

    The first map is the image itself, because features lose what the denoiser does not need: without it, samples got a
    comb of two pixels.

    Args:
        widths: channels of the maps. channels: of the layers of a head.
    """

    def __init__(self, widths: list[int], channels: int):
        super().__init__()
        self.heads = nn.ModuleList(_head(width, channels, place > 0) for place, width in enumerate(widths))

    def forward(self, features: list[Tensor]) -> Tensor:
        """Scores (n, heads)."""
        scores = [head(each).mean(dim=(1, 2, 3)) for head, each in zip(self.heads, features, strict=True)]
        return torch.stack(scores, dim=1)


def _head(width: int, channels: int, normed: bool) -> nn.Sequential:
    """Two convolutions and a score of each place, 0 before training."""
    # A norm without weights: their gradient alone, in channels-last memory on a CPU, is a segmentation fault in torch
    # 2.13.
    layers: list[nn.Module] = [nn.GroupNorm(group_norm(width).num_groups, width, affine=False)] if normed else []
    for inside in (width, channels):
        convolution = nn.Conv2d(inside, channels, 3, padding=1)
        nn.init.kaiming_normal_(convolution.weight, a=0.2)
        nn.init.zeros_(convolution.bias)
        layers += [convolution, nn.LeakyReLU(0.2)]
    score = nn.Conv2d(channels, 1, 1)
    nn.init.zeros_(score.weight)
    nn.init.zeros_(score.bias)
    return nn.Sequential(*layers, score)


def steepness(heads: nn.Module, features: list[Tensor], scores: Tensor) -> Tensor:
    """How much small changes of the features change the scores: E (s(x + ε n) - s(x))² / ε².

    It stands for the zero-centred penalty on the gradient, and needs no second derivative (Lin et al. 2025, arXiv
    2501.08316, approximated R1; there on images).
    """
    moved = [each + SHAKE * each.std() * torch.randn_like(each) for each in features]
    return (heads(moved) - scores).square().mean() / SHAKE**2


class Adversary:
    """Two phases of a training step: the denoiser against the heads, and the heads.

    Args:
        method: its networks must have `judge`, a denoiser, and `heads`.
    """

    def __init__(self, method: Consistency):
        self._method, self._config = method, method.config.adversary
        self._compared: tuple[int, list[Tensor], list[Tensor]] | None = None

    def begins(self, steps: int) -> int:
        """The first step with an adversary, of a training of `steps`."""
        return steps - round(self._config.share * steps)

    def tunes(self, state: State) -> bool:
        """Whether this step has consistency tuning."""
        since = state.step - self.begins(state.steps)
        return since < self._config.alone or since % self._config.tuning_every == 0

    def phases(self) -> list[Phase]:
        """The denoiser first: both phases use the same samples."""
        config = self._config
        return [
            Phase("fooling", ("denoiser",), self._optimizer(config.lr), self._fooling, self._fooling_due),
            Phase("judging", ("heads",), self._optimizer(config.heads_lr), self._judging, self._judging_due),
        ]

    def _optimizer(self, lr: float) -> Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]:
        def make(parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
            return torch.optim.Adam(parameters, lr=lr, betas=BETAS)

        return make

    def _judging_due(self, state: State, logs: Logs) -> bool:
        return state.step >= self.begins(state.steps)

    def _fooling_due(self, state: State, logs: Logs) -> bool:
        return state.step >= self.begins(state.steps) + self._config.alone

    def _fooling(self, batch: Batch, state: State) -> tuple[Tensor, Logs]:
        """E softplus(s(x) - s(f(z))), mean over the heads."""
        real, made = self._features(batch, state)
        heads = state.networks["heads"]
        loss = fooling(LOSS, heads(real), heads(made))
        self._compared = state.step, real, [each.detach() for each in made]
        return loss, {}

    def _judging(self, batch: Batch, state: State) -> tuple[Tensor, Logs]:
        """E softplus(s(f(z)) - s(x)), mean over the heads, plus γ/2 times the penalty of both."""
        compared, self._compared = self._compared, None
        if compared is None or compared[0] != state.step:
            with torch.no_grad():
                compared = state.step, *self._features(batch, state)
        heads = state.networks["heads"]
        real, made = (heads(each) for each in compared[1:])
        penalty = steepness(heads, compared[1], real) + steepness(heads, compared[2], made)
        loss = judging(LOSS, real, made) + self._config.gamma / 2 * penalty
        return loss, {"margin": (real - made).mean(), "penalty": penalty}

    def _features(self, batch: Batch, state: State) -> tuple[list[Tensor], list[Tensor]]:
        """The judge's features of real tiles, and of samples with the same facts and the same conditions."""
        method, config = self._method, self._method.config
        x, facts = batch["image"], batch["facts"]
        n, device = len(x), x.device
        inputs = method.steering.inputs(method.steering.shown(batch.conditions, n), facts)
        if config.baked:
            inputs["guidance"] = torch.ones(n, device=device)
        second = torch.rand(n, device=device) < self._config.second
        level = torch.where(second, config.mid_sigma, config.sigma_max)
        start = torch.where(second[:, None, None, None], x, 0.0) + level[:, None, None, None] * torch.randn_like(x)
        made = method.estimate(given(state.networks["denoiser"], inputs), start, level, facts)
        low, high = math.log(self._config.low), math.log(self._config.high)
        sigma = (low + (high - low) * torch.rand(n, device=device)).exp()
        noise = sigma[:, None, None, None] * torch.randn_like(x)
        judge = self._judge(state)

        def features(image: Tensor) -> list[Tensor]:
            return given(judge, inputs)(*scaled(image + noise, sigma, config.sigma_data), facts, features=True)

        with torch.no_grad():
            real = features(x)
        return real, features(made)

    def _judge(self, state: State) -> nn.Module:
        """The denoiser as it was when this part began, without dropout."""
        judge = state.networks["judge"]
        if state.step == self.begins(state.steps):
            judge.load_state_dict(state.networks["denoiser"].state_dict())
        return judge.eval()
