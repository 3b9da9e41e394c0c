"""StyleGAN2 (Karras et al. 2020, arXiv 1912.04958) with adaptive discriminator augmentation (arXiv 2006.06676).

A step trains the discriminator, then the generator. The penalties are lazy (arXiv 1912.04958, appendix B): they run
every k-th step with k times their weight, as steps of their own with the same optimiser. Adam then makes k + 1 steps
where it made k, so its learning rate is multiplied by c = k / (k + 1), and its decays are raised to the power c.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from models.core.adversarial import fooling, gradient_penalty, judging, published_gamma
from models.core.method import Batch, Logs, Phase, State
from models.core.pinned_model import take_over
from models.core.record import Loaded
from models.stylegan2.augment.adaptive import Adaptive
from models.stylegan2.augment.chance import Keep
from models.stylegan2.augment.pipeline import augment
from models.stylegan2.discriminator import Discriminator
from models.stylegan2.mapping import Mapping
from models.stylegan2.params import Params
from models.stylegan2.path_length import path_lengths
from models.stylegan2.synthesis import Synthesis

BETAS, EPSILON = (0.0, 0.99), 1e-8  # of Adam (StyleGAN2)


class StyleGan2:
    """The method `stylegan2`.

    A batch has `image` (n, c, px, px), and `facts` (n, k) if the encoding has any.

    Args:
        params: as validated. px: side of the images. channels, facts: of an encoded image. lr: learning rate.
        batch: images of a step, over all processes. handed: whether mirror images of them would be wrong.
    Raises:
        ValueError: pictures of this side cannot be made.
    """

    ema = ("mapping", "synthesis")

    def __init__(self, params: Params, px: int, channels: int, facts: int, lr: float, batch: int, handed: bool = False):
        self.params, self.px, self.channels, self.facts, self.lr, self.batch = params, px, channels, facts, lr, batch
        self._keep = Keep(upright=params.augment.lettering, handed=handed)
        self.gamma = params.loss.gamma
        if self.gamma is None:
            self.gamma = published_gamma(params.loss.kind, px, batch)
        if channels != 3 and "color" in params.groups:
            raise ValueError(f"augment.groups: color needs pictures of 3 channels, not {channels}")
        self.networks = nn.ModuleDict(
            {
                "mapping": Mapping(params.generator, facts),
                "synthesis": Synthesis(params, px, channels),
                "discriminator": Discriminator(params, px, channels, facts),
            }
        )
        self._memory = {"path_mean": 0.0}
        self.adaptive = Adaptive(params.augment, batch, self._memory)
        self._path_mean: Tensor | None = None

    @property
    def memory(self) -> dict[str, float]:
        """Numbers that a resumed run needs: p, the signs it waits for, and the mean path length."""
        self.adaptive.settle()
        if self._path_mean is not None:
            self._memory["path_mean"], self._path_mean = float(self._path_mean), None
        return self._memory

    def load(self, root: Path) -> Loaded:
        """Take over the layers of `start`; facts about them and about the settings that were derived.

        Raises:
            ValueError: the model to start from cannot be used.
        """
        facts: dict[str, object] = {"gamma": self.gamma}
        if self.params.start is not None:
            try:
                generator = nn.ModuleDict({name: self.networks[name] for name in self.ema})
                facts["start"] = take_over(self.params.start, generator, root)
            except ValueError as error:
                raise ValueError(f"start: {error}") from None
        return Loaded(facts)

    def phases(self) -> list[Phase]:
        """Discriminator, its penalty, generator, its path length."""
        loss, makers = self.params.loss, ("mapping", "synthesis")
        judge = self._adam(loss.every if self.gamma else None)
        paint = self._adam(loss.path_every if loss.path_length else None)
        phases = [Phase("discriminator", ("discriminator",), judge, self._judging, self._adapted)]
        if self.gamma:
            due = _each(loss.every)
            phases.append(Phase("penalty", ("discriminator",), judge, self._penalty, due, "discriminator"))
        phases.append(Phase("generator", makers, paint, self._painting))
        if loss.path_length:
            phases.append(Phase("path", makers, paint, self._path, _each(loss.path_every), "generator"))
        return phases

    def _adam(self, every: int | None) -> partial[torch.optim.Adam]:
        share = 1.0 if every is None else every / (every + 1)
        betas = (BETAS[0] ** share, BETAS[1] ** share)
        return partial(torch.optim.Adam, lr=self.lr * share, betas=betas, eps=EPSILON)

    def _adapted(self, state: State, logs: Logs) -> bool:
        self.adaptive.turn(logs.get("discriminator/sign"))
        return True

    def _judging(self, batch: Batch, state: State) -> tuple[Tensor, Logs]:
        with torch.no_grad():
            fake, _ = self._paint(state, len(batch["image"]), batch.tensors.get("facts"))
        real, fake = self._scores(state, (batch["image"], fake), batch.tensors.get("facts"))
        kind = self.params.loss.kind
        # Scores of relativistic pairs have no zero, so the sign of the difference tells what the discriminator knows.
        sure = real - fake if kind == "relativistic" else real
        logs = {"sign": sure.detach().sign().mean(), "margin": (real - fake).detach().mean()}
        return judging(kind, real, fake), logs | {"p": torch.tensor(self.adaptive.p)}

    def _penalty(self, batch: Batch, state: State) -> tuple[Tensor, Logs]:
        """γ/2 · R1, and R2 for relativistic pairs, times the steps between two penalties."""
        facts, loss = batch.tensors.get("facts"), self.params.loss

        def score(pictures: Tensor) -> Tensor:
            # `forward` is not compiled; compiled code has no second derivatives.
            return state.networks["discriminator"].forward(self._seen(pictures), facts)

        r1 = gradient_penalty(score, batch["image"]).mean()
        total, logs = r1, {"r1": r1}
        if loss.kind == "relativistic":
            with torch.no_grad():
                fake, _ = self._paint(state, len(batch["image"]), facts)
            logs["r2"] = gradient_penalty(score, fake).mean()
            total = r1 + logs["r2"]
        return self.gamma / 2 * loss.every * total, logs

    def _painting(self, batch: Batch, state: State) -> tuple[Tensor, Logs]:
        facts, kind = batch.tensors.get("facts"), self.params.loss.kind
        fake, styles = self._paint(state, len(batch["image"]), facts)
        state.networks["mapping"].observe(styles[:, 0].detach())
        if kind == "relativistic":
            real, fake = self._scores(state, (batch["image"], fake), facts)
            return fooling(kind, real, fake), {}
        (fake,) = self._scores(state, (fake,), facts)
        return fooling(kind, None, fake), {}

    def _path(self, batch: Batch, state: State) -> tuple[Tensor, Logs]:
        loss, facts = self.params.loss, batch.tensors.get("facts")
        n = max(1, len(batch["image"]) // loss.path_shrink)
        fake, styles = self._paint(state, n, None if facts is None else facts[:n], compiled=False)
        lengths = path_lengths(fake, styles)
        mean = torch.tensor(self._memory["path_mean"], device=fake.device)
        mean = mean if self._path_mean is None else self._path_mean
        mean = mean.lerp(lengths.detach().mean(), loss.path_decay)
        self._path_mean = mean
        off = (lengths - mean).square().mean()
        return loss.path_length * loss.path_every * off, {"length": mean}

    def _paint(self, state: State, n: int, facts: Tensor | None, compiled: bool = True) -> tuple[Tensor, Tensor]:
        """Pictures (n, c, px, px) of new latents, and their styles (n, layers, w)."""
        synthesis, mapping = state.networks["synthesis"], state.networks["mapping"]
        device, z = synthesis.constant.device, self.params.generator.z
        make, translate = (synthesis, mapping) if compiled else (synthesis.forward, mapping.forward)
        styles = translate(torch.randn(n, z, device=device), facts)[:, None].repeat(1, synthesis.layers, 1)
        if float(torch.rand(())) < self.params.generator.mixing:
            cut = 1 + int(torch.randint(synthesis.layers - 1, ()))
            others = translate(torch.randn(n, z, device=device), facts)
            styles = torch.cat([styles[:, :cut], others[:, None].expand(-1, synthesis.layers - cut, -1)], dim=1)
        noise = [torch.randn(n, 1, side, side, device=device) for side in synthesis.shapes]
        return make(styles, noise), styles

    def _seen(self, pictures: Tensor) -> Tensor:
        """What the discriminator sees of pictures."""
        return augment(pictures, self.adaptive.p, self.params.groups, self._keep)

    def _scores(self, state: State, sets: Sequence[Tensor], facts: Tensor | None) -> list[Tensor]:
        """Scores of some sets of as many pictures, by one evaluation."""
        seen = self._seen(torch.cat(list(sets)))
        known = None if facts is None else facts.repeat(len(sets), 1)
        return list(state.networks["discriminator"](seen, known).chunk(len(sets)))


def _each(every: int) -> Callable[[State, Logs], bool]:
    return lambda state, logs: state.step % every == 0
