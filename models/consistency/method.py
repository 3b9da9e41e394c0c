"""Improved consistency training (Song & Dhariwal 2023, arXiv 2310.14189), alone or after EDM training.

With `pretrain_share` above 0, that share of the steps trains denoising (`models.consistency.edm`), and the rest on
consistency tuning of the same network, which costs much less than consistency training from random weights (Geng et al.
2024, arXiv 2406.14548).

Conditions control the samples (`models.consistency.steering`). Training hides each of them for a share of the tiles, so
that the same model can sample from any of them, or from none.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np
import torch
from torch import Tensor, nn

from models.consistency.adversary import Adversary
from models.consistency.conditioned import Network, with_conditions
from models.consistency.edm import denoising_loss, precondition
from models.consistency.encoding import TerrainEncoding
from models.consistency.facts import WIDTH, FactsHead, choose, surprise
from models.consistency.guidance import guided_path, strengths
from models.consistency.params import Params
from models.consistency.replayed import replayed
from models.consistency.schedule import curriculum_end, grid_size, karras_grid, lognormal_weights, pseudo_huber
from models.consistency.steering import Steering
from models.consistency.text.trunk import Trunk
from models.consistency.unet import UNet
from models.core.method import Batch, Logs, Phase, State

FACTS_EVERY = 2  # steps; two numbers a tile are learned in fewer steps than images
FACTS_LR = 1e-2  # the head has few weights, and a short training must reach its end too


class Consistency:
    """The method `consistency`: one network, samples in one or two evaluations.

    With conditions that say something about a tile's relief and elevation, a second network gives their distribution
    (`models.consistency.facts`). With guidance, a third keeps the denoiser as it was at the end of diffusion. With an
    adversary, a judge and its heads are added (`models.consistency.adversary`).

    Args:
        params: as validated. px: side of the images. channels, facts: of an encoded image. lr: learning rate.
        classes: number of classes of the maps; unused unless `labels` is one of the conditions.
        encoding: of the tiles; unused unless `text`, `coarse` or `known` is one of the conditions.
    Raises:
        ValueError: the parameters do not fit images of this side, or required classes or words are missing.
    """

    evaluations = (1, 2)

    def __init__(
        self,
        params: Params,
        px: int,
        channels: int,
        facts: int,
        lr: float,
        classes: int = 0,
        encoding: TerrainEncoding | None = None,
    ):
        self.config, self.lr, self.shape = params, lr, (channels, px, px)
        self.steering = Steering(params, px, classes, encoding)
        worded = "text" in params.conditions

        def trunk(width: int) -> Trunk | None:
            return Trunk(encoding.words, params.text.length, width) if worded else None

        def denoiser() -> UNet:
            maps, words = self.steering.maps, trunk(params.text_width)
            return UNet(params.network, px, channels, facts, maps, words, params.baked)

        self.networks = nn.ModuleDict({"denoiser": denoiser()})
        if {"text", "coarse", "known"} & set(params.conditions):
            self.networks["facts"] = FactsHead(trunk(WIDTH), facts)
        self.ema = tuple(self.networks)
        if params.baked:
            self.networks["guide"] = denoiser()
        self._adversary = Adversary(self, denoiser()) if params.adversary.share else None
        self.memory: dict[str, float] = {}

    def phases(self) -> list[Phase]:
        """Denoising, then consistency. Consistency has much larger gradients, so it has a separate optimiser."""
        found = [
            Phase("denoising", ("denoiser",), self._optimizer, self._denoising, self._pretraining),
            Phase("consistency", ("denoiser",), self._optimizer, self._consistency, self._tuning),
        ]
        if "facts" in self.networks:
            found.append(Phase("facts", ("facts",), self._facts_optimizer, self._facts, self._facts_due))
        return found + (self._adversary.phases() if self._adversary is not None else [])

    def _optimizer(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.RAdam(parameters, lr=self.lr)  # the paper's choice (appendix C)

    def diffusion(self, state: State) -> int:
        """Number of steps before consistency tuning."""
        return round(self.config.pretrain_share * state.steps)

    def _pretraining(self, state: State, logs: Logs) -> bool:
        return state.step < self.diffusion(state)

    def _tuning(self, state: State, logs: Logs) -> bool:
        due = self._adversary is None or self._adversary.tunes(state)
        return due and not self._pretraining(state, logs)

    def _facts_due(self, state: State, logs: Logs) -> bool:
        return state.step % FACTS_EVERY == 0

    def _facts_optimizer(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.Adam(parameters, lr=FACTS_LR)

    def _facts(self, batch: Batch, state: State) -> tuple[Tensor, Logs]:
        """-ln p(facts | conditions)."""
        facts = batch["facts"]
        shown = self.steering.shown(batch.conditions, len(facts))
        hints, base = self.steering.hints(shown, len(facts), facts.shape[1], facts.device)
        return surprise(state.networks["facts"](shown.get("text"), hints, base), facts).mean(), {}

    def _denoising(self, batch: Batch, state: State) -> tuple[Tensor, Logs]:
        """E ‖D(x + σ z; σ) - x‖² at lognormal σ; with guidance w, E ‖D_w - (w x + (1 - w) D_u)‖² / w².

        `batch` has `image` (n, c, px, px) and `facts` (n, k).
        """
        config, x = self.config, batch["image"]
        sigma = (config.p_mean + config.p_std * torch.randn(len(x), device=x.device)).exp()
        sigma = sigma.clamp(config.sigma_min, config.sigma_max)
        noisy = x + sigma[:, None, None, None] * torch.randn_like(x)
        shown = self.steering.shown(batch.conditions, len(x))
        inputs = self._with_strengths(self.steering.inputs(shown, batch["facts"]))
        network, target, weight = state.networks["denoiser"], x, None
        if guided := self._guided(len(x)):
            w = inputs["guidance"]
            part = {name: values[:guided] for name, values in inputs.items()}
            with torch.no_grad(), replayed(x.device):
                part |= {"text": torch.zeros_like(part["text"]), "guidance": torch.ones_like(part["guidance"])}
                without = self.estimate(
                    with_conditions(network, part), noisy[:guided], sigma[:guided], batch["facts"][:guided]
                )
            mixed = torch.lerp(without, x[:guided], w[:guided, None, None, None])
            target, weight = torch.cat([mixed, x[guided:]]), w**-2
        denoised = self.estimate(with_conditions(network, inputs), noisy, sigma, batch["facts"])
        return denoising_loss(denoised, target, sigma, config.sigma_data, weight), {}

    def _consistency(self, batch: Batch, state: State) -> tuple[Tensor, Logs]:
        """λ(σ_i) d(f(x + σ_{i+1} z, σ_{i+1}), f⁻(x + σ_i z, σ_i)), λ = 1 / (σ_{i+1} - σ_i) (eqs. 5, 9).

        Never in bf16, which is coarser than the difference of two neighbouring levels. The 10 bits of TF32 suffice.
        """
        with torch.autocast(batch["image"].device.type, enabled=False):
            return self._difference(batch, state)

    def _difference(self, batch: Batch, state: State) -> tuple[Tensor, Logs]:
        config, x, facts = self.config, batch["image"], batch["facts"]
        shown = self.steering.shown(batch.conditions, len(x))
        inputs = self._with_strengths(self.steering.inputs(shown, facts))
        network = with_conditions(state.networks["denoiser"], inputs)
        before = self.diffusion(state)
        step, steps = state.step - before, state.steps - before
        s1 = curriculum_end(steps, config.s0) if config.s1 is None else config.s1
        size = grid_size(step, steps, config.s0, s1)
        grid = karras_grid(size, config.sigma_min, config.sigma_max, config.rho)
        chances = lognormal_weights(grid, *config.tuning)
        index = torch.multinomial(chances, len(x), replacement=True)
        low, high = grid[index].float().to(x.device), grid[index + 1].float().to(x.device)
        noise = torch.randn_like(x)  # the same noise for both, so that both lie on one path
        lower, upper = (x + level[:, None, None, None] * noise for level in (low, high))
        if guided := self._guided(len(x)):
            part = {name: values[:guided] for name, values in inputs.items()}
            with torch.no_grad():
                guide = with_conditions(self._guide(state), part)
                clean = self.estimate(guide, upper[:guided], high[:guided], facts[:guided])
                lower = guided_path(lower, upper, low / high, clean, part["guidance"])
        with torch.no_grad(), replayed(x.device):  # the teacher: the student without gradients, not an average
            teacher = self.estimate(network, lower, low, facts)
        student = self.estimate(network, upper, high, facts)
        loss = (pseudo_huber(student - teacher) / (high - low)).mean()
        return loss, {"intervals": torch.tensor(float(size - 1))}

    def _guide(self, state: State) -> nn.Module:
        """The denoiser as it was at the end of diffusion, without dropout."""
        guide = state.networks["guide"]
        if state.step == self.diffusion(state):
            guide.load_state_dict(state.networks["denoiser"].state_dict())
        return guide.eval()

    def _guided(self, n: int) -> int:
        """How many tiles of a batch may be guided."""
        return round(self.config.guidance.share * n) if self.config.baked else 0

    def _with_strengths(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """The inputs of a training step with strengths of guidance, if the network takes them."""
        if not self.config.baked:
            return inputs
        text, guidance = inputs["text"], self.config.guidance
        worded = (text != 0).flatten(1).any(dim=1)
        return inputs | {"guidance": strengths(len(text), guidance.share, guidance.most, worded)}

    def estimate(self, network: Network, x: Tensor, sigma: Tensor, facts: Tensor) -> Tensor:
        """f(x, σ), the clean image at the end of the path through `x`."""
        return precondition(network, x, sigma, facts, self.config.sigma_data, self.config.sigma_min)

    def draw(self, rng: np.random.Generator, steps: int) -> np.ndarray:
        """Noise for each evaluation, (steps, c, px, px); the first does not depend on `steps`."""
        return rng.standard_normal((steps, *self.shape), np.float32)

    def draw_facts(
        self,
        networks: Mapping[str, nn.Module],
        drawn: Tensor,
        conditions: Mapping[str, Tensor],
        guidance: float | Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Facts (n, k) given the conditions, and for which samples the conditions say something about them, bool (n,).

        Args:
            drawn: (n, 1 + k), see `models.consistency.facts.choose`. guidance: of all samples, or of each (n,).
        """
        n, device = drawn.shape[0], drawn.device  # `len` would fix the batch of an exported network
        hints, base = self.steering.hints(conditions, n, drawn.shape[1] - 1, device)
        mixture = networks["facts"](self._texts(conditions, n, device), hints, base)
        return choose(mixture, drawn, _each(guidance, n, device)), self.steering.given(conditions, n, device)

    def _texts(self, conditions: Mapping[str, Tensor], n: int, device: torch.device) -> Tensor | None:
        if "text" not in self.config.conditions:
            return None
        return conditions["text"] if "text" in conditions else self.steering.silence(n, device)

    def levels(self, steps: int) -> list[tuple[float, float]]:
        """Noise level of each evaluation, and the factor on its noise (Song et al. 2023, algorithm 1).

        Raises:
            ValueError: `steps` is neither 1 nor 2.
        """
        if steps not in self.evaluations:
            raise ValueError(f"consistency sampling takes 1 or 2 steps, not {steps}")
        config = self.config
        found = [(config.sigma_max, config.sigma_max)]
        return (found + [(config.mid_sigma, math.sqrt(config.mid_sigma**2 - config.sigma_min**2))])[:steps]

    def evaluate(
        self,
        networks: Mapping[str, nn.Module],
        x: Tensor,
        level: float,
        facts: Tensor,
        conditions: Mapping[str, Tensor],
        guidance: float | Tensor = 1.0,
        passes: bool = False,
    ) -> Tensor:
        """f(x, level), guided.

        Args:
            guidance: of all samples; of each (n,) only where the network takes it as an input.
            passes: guide by two passes of the network, also if it takes the strength as an input.
        """
        network, inputs = networks["denoiser"], self.steering.inputs(conditions, facts)
        n = x.shape[0]
        sigma = torch.full((n,), level, device=x.device)
        passes = not isinstance(guidance, Tensor) and guidance != 1 and (passes or not self.config.baked)
        if self.config.baked:
            inputs["guidance"] = _each(1.0 if passes else guidance, n, x.device)
        found = self.estimate(with_conditions(network, inputs), x, sigma, facts)
        if not passes:
            return found
        inputs["text"] = torch.zeros_like(inputs["text"])
        return torch.lerp(self.estimate(with_conditions(network, inputs), x, sigma, facts), found, guidance)

    def sample(
        self,
        networks: Mapping[str, nn.Module],
        drawn: Tensor,
        facts: Tensor,
        steps: int,
        conditions: Mapping[str, Tensor] | None = None,
    ) -> Tensor:
        """Multistep consistency sampling over σ_max and `mid_sigma`.

        Args:
            drawn: n results of `draw`, (n, steps, c, px, px). facts: (n, k).
        Raises:
            ValueError: `steps` is neither 1 nor 2.
        """
        x = torch.zeros_like(drawn[:, 0])
        for step, (level, spread) in enumerate(self.levels(steps)):
            x = self.evaluate(networks, x + spread * drawn[:, step], level, facts, conditions or {})
        return x


def _each(guidance: float | Tensor, n: int, device: torch.device) -> Tensor:
    """The strength for each of n samples."""
    return guidance if isinstance(guidance, Tensor) else torch.full((n,), float(guidance), device=device)
