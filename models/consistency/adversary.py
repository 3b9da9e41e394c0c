"""An adversary for the last part of training. It compares samples with real tiles.

The consistency loss has its minimum at a mean of images, which is smoother than each of them. An adversary says instead
how well a sample can be told from a real tile. A frozen copy of the denoiser, the judge, gives features of both, after
a little noise (Sauer et al. 2021, arXiv 2111.01007; Sauer et al. 2024, arXiv 2403.12015). The features are good
already, so small heads on them learn in few steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.consistency.conditioned import with_conditions
from models.consistency.edm import scaled
from models.consistency.unet import UNet, group_norm
from models.core.adversarial import fooling, judging
from models.core.method import Batch, Logs, Phase, State

if TYPE_CHECKING:
    from models.consistency.method import Consistency

LOSS = "relativistic"
"""Huang et al. 2025 (R3GAN), arXiv 2501.05441."""
BETAS = (0.5, 0.999)
"""Of Adam; the first as in DCGAN (Radford et al. 2015, arXiv 1511.06434)."""
SHAKE = 0.1
"""Noise on features for the penalty of the heads, as a share of their standard deviation."""
MOVED = 1
"""Largest shift of the images that are judged, in pixels. Patches of judge and denoiser would else always lie on each
other, and samples of a training without shifts got a comb of two pixels."""
Features = list[Tensor]
"""Maps (n, c, h, w) of each level of the denoiser."""


class Heads(nn.Module):
    """One head for each map of features: (n, c, h, w) to a score (n,), the mean over all places; high means real.

    Args:
        widths: channels of the maps. channels: of the layers of a head.
    """

    def __init__(self, widths: list[int], channels: int):
        super().__init__()
        self.heads = nn.ModuleList(_head(width, channels) for width in widths)

    def forward(self, features: Features) -> Tensor:
        """Scores (n, heads)."""
        scores = [head(each).mean(dim=(1, 2, 3)) for head, each in zip(self.heads, features, strict=True)]
        return torch.stack(scores, dim=1)


def _head(width: int, channels: int) -> nn.Sequential:
    """Two convolutions and a score of each place, 0 before training."""
    # A norm without weights: their gradient alone, in channels-last memory on a CPU, is a segmentation fault in torch
    # 2.13.
    layers: list[nn.Module] = [group_norm(width, affine=False)]
    for inside in (width, channels):
        convolution = nn.Conv2d(inside, channels, 3, padding=1)
        nn.init.kaiming_normal_(convolution.weight, a=0.2)
        nn.init.zeros_(convolution.bias)
        layers += [convolution, nn.LeakyReLU(0.2)]
    score = nn.Conv2d(channels, 1, 1)
    nn.init.zeros_(score.weight)
    nn.init.zeros_(score.bias)
    return nn.Sequential(*layers, score)


def steepness(heads: Callable[[Features], Tensor], features: Features, scores: Tensor) -> Tensor:
    """How much small changes of the features change the scores (n, heads), a number: E (s(x + ε d n) - s(x))² / ε².

    d is the standard deviation of a map over the batch. This stands for a zero-centred penalty on the gradient, and
    needs no second derivative (approximated R1, Lin et al. 2025, arXiv 2501.08316, there with noise on images).
    """
    moved = [each + SHAKE * each.std() * torch.randn_like(each) for each in features]
    return (heads(moved) - scores).square().mean() / SHAKE**2


def moved(image: Tensor, down: int, right: int) -> Tensor:
    """Images (n, c, h, w) moved by `down` - MOVED and `right` - MOVED pixels; pixels at the border are repeated."""
    height, width = image.shape[2:]
    wide = F.pad(image, (MOVED,) * 4, mode="replicate")
    return wide[:, :, 2 * MOVED - down :][:, :, :height, 2 * MOVED - right :][..., :width]


class Adversary:
    """Two phases of a training step: the denoiser against the heads, and the heads.

    Neither runs in bf16: scores of pairs differ by little, and the penalty is a small difference of scores.

    Args:
        method: gets the networks `judge` and `heads`. judge: a denoiser like that of the method.
    """

    def __init__(self, method: Consistency, judge: UNet):
        self._method, self._config = method, method.config.adversary
        method.networks["judge"] = judge
        method.networks["heads"] = Heads(judge.feature_widths, self._config.channels)
        self._compared: tuple[int, Features, Features] | None = None

    def phases(self) -> list[Phase]:
        """The denoiser first: both phases use the same samples."""
        config = self._config
        return [
            Phase("fooling", ("denoiser",), _adam(config.lr), self._fooling, self._fooling_due),
            Phase("judging", ("heads",), _adam(config.heads_lr), self._judging, self._judging_due),
        ]

    def tunes(self, state: State) -> bool:
        """Whether this step has consistency tuning."""
        return not self._fooling_due(state, {}) or (state.step - self._begins(state)) % self._config.tuning_every == 0

    def _begins(self, state: State) -> int:
        """The first step with an adversary."""
        return max(self._method.diffusion(state), state.steps - round(self._config.share * state.steps))

    def _judging_due(self, state: State, logs: Logs) -> bool:
        return state.step >= self._begins(state)

    def _fooling_due(self, state: State, logs: Logs) -> bool:
        begins = self._begins(state)
        alone = round(self._config.alone * (state.steps - begins))
        return state.step >= begins + max(1, alone)  # the first step copies the judge, so it cannot have this phase

    def _fooling(self, batch: Batch, state: State) -> tuple[Tensor, Logs]:
        """E softplus(s(x) - s(f(z))), mean over the heads."""
        with torch.autocast(batch["image"].device.type, enabled=False):
            real, made = self._features(batch, state)
            heads = state.networks["heads"]
            loss = fooling(LOSS, heads(real), heads(made))
        self._compared = state.step, real, [each.detach() for each in made]
        return loss, {}

    def _judging(self, batch: Batch, state: State) -> tuple[Tensor, Logs]:
        """E softplus(s(f(z)) - s(x)), mean over the heads, plus γ/2 times the penalty of both."""
        compared, self._compared = self._compared, None
        with torch.autocast(batch["image"].device.type, enabled=False):
            if compared is None or compared[0] != state.step:
                with torch.no_grad():
                    compared = state.step, *self._features(batch, state)
            heads = state.networks["heads"]
            real, made = (heads(each) for each in compared[1:])
            penalty = steepness(heads, compared[1], real) + steepness(heads, compared[2], made)
            loss = judging(LOSS, real, made) + self._config.gamma / 2 * penalty
        return loss, {"margin": (real - made).mean(), "penalty": penalty}

    def _features(self, batch: Batch, state: State) -> tuple[Features, Features]:
        """The judge's features of real tiles, and of samples with the same facts, conditions and noise."""
        method, config = self._method, self._method.config
        x, facts = batch["image"], batch["facts"]
        n, device = len(x), x.device
        inputs = method.steering.inputs(method.steering.shown(batch.conditions, n), facts)
        if config.baked:
            inputs["guidance"] = torch.ones(n, device=device)
        second = torch.rand(n, device=device) < self._config.second
        level = torch.where(second, config.mid_sigma, config.sigma_max)
        start = torch.where(second[:, None, None, None], x, 0.0) + level[:, None, None, None] * torch.randn_like(x)
        made = method.estimate(with_conditions(state.networks["denoiser"], inputs), start, level, facts)
        low, high = math.log(self._config.low), math.log(self._config.high)
        sigma = (low + (high - low) * torch.rand(n, device=device)).exp()
        noise = sigma[:, None, None, None] * torch.randn_like(x)
        down, right = torch.randint(2 * MOVED + 1, (2,)).tolist()
        judge = with_conditions(self._judge(state), inputs)

        def features(image: Tensor) -> Features:
            seen = moved(image + noise, down, right)
            return judge(*scaled(seen, sigma, config.sigma_data), facts, features=True)

        with torch.no_grad():
            real = features(x)
        return real, features(made)

    def _judge(self, state: State) -> nn.Module:
        """The denoiser as it was when this part began, without dropout."""
        judge = state.networks["judge"]
        if state.step == self._begins(state):
            judge.load_state_dict(state.networks["denoiser"].state_dict())
        return judge.eval()


def _adam(lr: float) -> Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]:
    return lambda parameters: torch.optim.Adam(parameters, lr=lr, betas=BETAS)
