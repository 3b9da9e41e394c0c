"""Improved consistency training (Song & Dhariwal 2023, arXiv 2310.14189), alone or after EDM training.

With `pretrain_share` above 0, that share of the steps trains denoising (`models.consistency.edm`), and the rest on
consistency tuning of the same network, which costs much less than consistency training from random weights (Geng et al.
2024, arXiv 2406.14548).

With `conditions: [labels]` a class map controls the samples. Training hides the map for a share of the tiles, so that
the same model can sample without a map.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from models.consistency.edm import denoising_loss, precondition
from models.consistency.params import Params
from models.consistency.unet import UNet
from models.core.conditions import majority, one_hot
from models.core.method import Batch, Logs, Phase, State

PAPER_STEPS_A_INTERVAL = 400_000 / 1280  # training steps per interval of the paper's finest grid


def curriculum_end(steps: int, s0: int) -> int:
    """s1 for a run of `steps`: the paper's proportion, rounded down to a doubling of s0, at most 1280.

    The paper ends with 1280 intervals after 400,000 steps. A short run with 1280 intervals trains each interval so
    rarely that its samples stay noise. So the last grid of a short run has proportionally fewer intervals. A very
    short run, with less than one doubling, keeps s0.
    """
    share = max(1.0, steps / PAPER_STEPS_A_INTERVAL / s0)
    return min(s0 * 2 ** int(math.log2(share)), max(s0, 1280))


def grid_size(step: int, steps: int, s0: int, s1: int) -> int:
    """N(k) = min(s0 2^⌊k/K'⌋, s1) + 1, K' = ⌊K / (log2⌊s1/s0⌋ + 1)⌋ (table 1); K' is at least one step."""
    each = max(1, math.floor(steps / (math.log2(s1 // s0) + 1)))
    return min(s0 * 2 ** min(step // each, 64), s1) + 1


def karras_grid(size: int, sigma_min: float, sigma_max: float, rho: float) -> Tensor:
    """σ_1 = σ_min < … < σ_N = σ_max (EDM, equation 5, ascending), float64 (N,)."""
    ramp = torch.linspace(0, 1, size, dtype=torch.float64)
    low, high = sigma_min ** (1 / rho), sigma_max ** (1 / rho)
    grid = (low + ramp * (high - low)) ** rho
    grid[0], grid[-1] = sigma_min, sigma_max  # exactly, because the boundary condition holds at σ_min only
    return grid


def lognormal_weights(grid: Tensor, p_mean: float, p_std: float) -> Tensor:
    """p(σ_i) ∝ erf((ln σ_{i+1} - P_mean) / (√2 P_std)) - erf((ln σ_i - P_mean) / (√2 P_std)), (N-1,) (eq. 10)."""
    steps = torch.erf((grid.log() - p_mean) / (math.sqrt(2) * p_std)).diff()
    return steps / steps.sum()


def pseudo_huber(difference: Tensor) -> Tensor:
    """√(‖d‖² + c²) - c over the norm of each sample, c = 0.00054 √(values a sample): (n, …) to (n,) (eq. 8)."""
    c = 0.00054 * math.sqrt(difference[0].numel())
    return (difference.flatten(1).square().sum(dim=1) + c**2).sqrt() - c


@contextmanager
def replayed(device: torch.device) -> Iterator[None]:
    """Restore the random state at exit, so that the next code draws the same numbers (dropout masks)."""
    cpu = torch.get_rng_state()
    cuda = torch.cuda.get_rng_state(device) if device.type == "cuda" else None
    yield
    torch.set_rng_state(cpu)
    if cuda is not None:
        torch.cuda.set_rng_state(cuda, device)


class Consistency:
    """The method `consistency`: one network, samples in one or two evaluations.

    Args:
        params: as validated. px: side of the images. channels, facts: of an encoded image. lr: learning rate.
        classes: number of classes of the maps; unused unless `labels` is one of the conditions.
    Raises:
        ValueError: the parameters do not fit images of this side, or required classes are missing.
    """

    ema = ("denoiser",)
    evaluations = (1, 2)

    def __init__(self, params: Params, px: int, channels: int, facts: int, lr: float, classes: int = 0):
        self.config, self.lr, self.shape = params, lr, (channels, px, px)
        if "labels" in params.conditions and not classes:
            raise ValueError("conditions: labels are class maps, and the tiles have no classes")
        self.maps = dict.fromkeys(params.conditions, classes)
        self.networks = nn.ModuleDict({"denoiser": UNet(params.network, px, channels, facts, self.maps)})
        self.memory: dict[str, float] = {}

    def phases(self) -> list[Phase]:
        """Denoising, then consistency. Consistency has much larger gradients, so it has a separate optimiser."""
        return [
            Phase("denoising", ("denoiser",), self._optimizer, self._denoising, self._pretraining),
            Phase("consistency", ("denoiser",), self._optimizer, self._consistency, self._tuning),
        ]

    def _optimizer(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.RAdam(parameters, lr=self.lr)  # the paper's choice (appendix C)

    def _pretraining(self, state: State, logs: Logs) -> bool:
        return state.step < round(self.config.pretrain_share * state.steps)

    def _tuning(self, state: State, logs: Logs) -> bool:
        return not self._pretraining(state, logs)

    def _denoising(self, batch: Batch, state: State) -> tuple[Tensor, Logs]:
        """E ‖D(x + σ z; σ) - x‖² at lognormal σ.

        `batch` has `image` (n, c, px, px), `facts` (n, k), and `labels` uint8 (n, px, px) if it is a condition.
        """
        config, x = self.config, batch["image"]
        sigma = (config.p_mean + config.p_std * torch.randn(len(x), device=x.device)).exp()
        sigma = sigma.clamp(config.sigma_min, config.sigma_max)
        noisy = x + sigma[:, None, None, None] * torch.randn_like(x)
        network = self._steered(state.networks["denoiser"], batch.conditions, len(x), hide=True)
        denoised = self.estimate(network, noisy, sigma, batch["facts"])
        return denoising_loss(denoised, x, sigma, config.sigma_data), {}

    def _consistency(self, batch: Batch, state: State) -> tuple[Tensor, Logs]:
        """λ(σ_i) d(f(x + σ_{i+1} z, σ_{i+1}), f⁻(x + σ_i z, σ_i)), λ = 1 / (σ_{i+1} - σ_i) (eqs. 5, 9)."""
        config, x = self.config, batch["image"]
        network = self._steered(state.networks["denoiser"], batch.conditions, len(x), hide=True)
        before = round(config.pretrain_share * state.steps)
        step, steps = state.step - before, state.steps - before
        s1 = curriculum_end(steps, config.s0) if config.s1 is None else config.s1
        size = grid_size(step, steps, config.s0, s1)
        grid = karras_grid(size, config.sigma_min, config.sigma_max, config.rho)
        chances = lognormal_weights(grid, config.p_mean, config.p_std)
        index = torch.multinomial(chances, len(x), replacement=True)
        low, high = grid[index].float().to(x.device), grid[index + 1].float().to(x.device)
        noise = torch.randn_like(x)  # the same noise for both, so that both lie on one path
        with torch.no_grad(), replayed(x.device):  # the teacher: the student without gradients, not an average
            teacher = self.estimate(network, x + low[:, None, None, None] * noise, low, batch["facts"])
        student = self.estimate(network, x + high[:, None, None, None] * noise, high, batch["facts"])
        loss = (pseudo_huber(student - teacher) / (high - low)).mean()
        return loss, {"intervals": torch.tensor(float(size - 1))}

    def _steered(
        self, network: nn.Module, conditions: Mapping[str, Tensor], n: int, hide: bool = False
    ) -> nn.Module | partial:
        """The network with its conditions as fixed arguments, if it takes conditions.

        A missing condition becomes all zeros. `hide` sets a share of the given conditions to zeros, too.
        """
        if not self.maps:
            return network
        device, patch, found = next(network.parameters()).device, self.config.network.patch, {}
        side = self.shape[1] // patch
        for name, classes in self.maps.items():
            if name not in conditions:
                found[name] = torch.zeros(n, classes, side, side, device=device)
                continue
            found[name] = majority(one_hot(conditions[name], classes), patch)
            if hide:
                found[name] = found[name] * (torch.rand(n, 1, 1, 1, device=device) >= self.config.condition_dropout)
        return partial(network, conditions=found)

    def estimate(self, network: nn.Module | partial, x: Tensor, sigma: Tensor, facts: Tensor) -> Tensor:
        """f(x, σ), the clean image at the end of the path through `x`."""
        return precondition(network, x, sigma, facts, self.config.sigma_data, self.config.sigma_min)

    def draw(self, rng: np.random.Generator, steps: int) -> np.ndarray:
        """Noise for each evaluation, (steps, c, px, px); the first does not depend on `steps`."""
        return rng.standard_normal((steps, *self.shape), np.float32)

    def sample(
        self,
        networks: Mapping[str, nn.Module],
        drawn: Tensor,
        facts: Tensor,
        steps: int,
        conditions: Mapping[str, Tensor] | None = None,
    ) -> Tensor:
        """Multistep consistency sampling (Song et al. 2023, algorithm 1) over σ_max and `mid_sigma`.

        Args:
            drawn: n results of `draw`, (n, steps, c, px, px). facts: (n, k).
        Raises:
            ValueError: `steps` is neither 1 nor 2.
        """
        config, network = self.config, self._steered(networks["denoiser"], conditions or {}, len(drawn))
        levels = (config.sigma_max, config.mid_sigma)
        if steps not in self.evaluations:
            raise ValueError(f"consistency sampling takes 1 or 2 steps, not {steps}")
        x = torch.zeros_like(drawn[:, 0])
        for step, level in enumerate(levels[:steps]):
            spread = math.sqrt(level**2 - config.sigma_min**2) if step else level
            sigma = torch.full((len(drawn),), level, device=drawn.device)
            x = self.estimate(network, x + spread * drawn[:, step], sigma, facts)
        return x
