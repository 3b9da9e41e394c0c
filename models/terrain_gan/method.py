"""Texture and height from a class map, by a GAN that keeps the light and shadow of its data out of the texture.

The colours of the data include light and shadow. So a generator (`spade`) makes texture and height, a shadow
network (`shadow`) lights the texture by the height, and the `discriminator` compares the lit terrain with the data. On
a second route, texture, height and classes are flipped on both axes and lit again by the same sun. A shadow that the
generator painted into the texture then lies on the wrong side of its hill, and the discriminator sees it.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from models.core.conditions import one_hot
from models.core.method import Batch, Logs, Phase, State
from models.core.perceptual import Perceptual
from models.core.pinned import verified
from models.core.record import Loaded
from models.terrain_gan.balance import Balance
from models.terrain_gan.discriminator import CHANCE, Discriminator, feature_matching, fooling, hinge, mean_score, split
from models.terrain_gan.encoding import ColorHeightEncoding
from models.terrain_gan.lightness import to_lab
from models.terrain_gan.params import Params
from models.terrain_gan.shadow import Shadow, slopes
from models.terrain_gan.spade import Generator

FLIP = (2, 3)
"""The flip uses both axes, not one axis at random. Light in the texture is then on the wrong side as often as on the
right side, for every azimuth of the sun. With one axis, a texture with opposite light would lower the loss while the
shadows are too strong."""


class TerrainGan:
    """The method `terrain_gan`.

    A batch has `color` (n, 3, px, px) and `height` (n, 1, px, px) as `encoding` makes them, and the condition `labels`
    uint8 (n, px, px), 255 for no class.

    Args:
        config: as validated. encoding: encoding of the tiles. px: side of a tile. classes: number of classes.
        lr: learning rate of the generator.
    Raises:
        ValueError: the configuration does not fit tiles of this side.
    """

    ema = ("generator", "shadow")

    def __init__(self, config: Params, encoding: ColorHeightEncoding, px: int, classes: int, lr: float):
        config.check(px)
        self.config, self.encoding, self.classes, self.lr = config, encoding, classes, lr
        self.networks = nn.ModuleDict(
            {
                "generator": Generator(config.generator, classes),
                "shadow": Shadow(config.shadow),
                "discriminator": Discriminator(config.discriminator, 3 + 1 + 2 + classes),
            }
        )
        self.memory: dict[str, float] = {}
        self.balance = Balance(config.balance, self.memory)
        self.routes = 2 if config.flipped_route else 1
        self.perceptual: Perceptual | None = None

    def load(self, root: Path) -> Loaded:
        """Load the network of the perceptual loss, if it is used, and return facts about it.

        Args:
            root: the folder that paths of weights are relative to.
        Raises:
            ValueError: the file of weights differs from the pinned file, or is not VGG-19.
        """
        if not self.config.perceptual.weight:
            return Loaded({"perceptual": None})
        pinned = self.config.perceptual.vgg19
        if pinned is None:
            self.perceptual = Perceptual(None)
            note = "no file of VGG-19 is named, so the perceptual loss compares by a fixed random network"
            return Loaded({"perceptual": {"network": self.perceptual.kind}}, (note,))
        try:
            self.perceptual = Perceptual(verified(pinned, root))
        except ValueError as error:
            raise ValueError(f"perceptual.vgg19: {error}") from None
        return Loaded({"perceptual": {"network": self.perceptual.kind, "sha256": pinned.sha256}})

    def phases(self) -> list[Phase]:
        """The discriminator in every step; generator and shadow network except during a pause."""
        judge, paint = self._adam(self.config.discriminator.lr_ratio * self.lr), self._adam(self.lr)
        return [
            Phase("discriminator", ("discriminator",), judge, self._judging),
            Phase("generator", ("generator", "shadow"), paint, self._painting, self._due),
        ]

    def _adam(self, lr: float) -> partial[torch.optim.Adam]:
        # No momentum, and separate rates for generator and discriminator (Heusel et al. 2017, arXiv 1706.08500).
        return partial(torch.optim.Adam, lr=lr, betas=(0.0, 0.9))

    def _due(self, state: State, logs: Logs) -> bool:
        level = logs.get("discriminator/level")
        return self.balance.turn(None if level is None else float(level))

    def _judging(self, batch: Batch, state: State) -> tuple[Tensor, Logs]:
        classes = one_hot(batch.conditions["labels"], self.classes)
        with torch.no_grad():
            fakes = self._routes(state, *self._paint(state, classes), classes)
        real = self._seen(batch["color"], batch["height"], classes)
        judged = state.networks["discriminator"](torch.cat([real, *fakes]))
        first, *others = split(judged, 1 + len(fakes))
        loss = hinge(first, others)
        logs = {"level": loss / (CHANCE * self.routes), "ratio": torch.tensor(self.balance.ratio)}
        logs["margin"] = (
            mean_score(first).detach() - torch.stack([mean_score(other) for other in others]).mean().detach()
        )
        return loss, logs | {"forced": torch.tensor(self.balance.forced)}

    def _painting(self, batch: Batch, state: State) -> tuple[Tensor, Logs]:
        config, judge = self.config, state.networks["discriminator"]
        classes = one_hot(batch.conditions["labels"], self.classes)
        texture, height = self._paint(state, classes)
        fakes = self._routes(state, texture, height, classes)
        real = self._seen(batch["color"], batch["height"], classes)
        truth, *judged = split(judge(torch.cat([real, *fakes])), 1 + len(fakes))
        loss = fooling(judged)
        logs: dict[str, Tensor] = {"fooling": loss}
        if config.feature_matching:
            # Only the first route, because the data has no picture of the flipped terrain under this sun.
            logs["features"] = feature_matching(truth, judged[0])
            loss = loss + config.feature_matching * logs["features"]
        if self.perceptual is not None:
            logs[f"perceptual_{self.perceptual.kind}"] = self._unlike(fakes[0], batch)
            loss = loss + config.perceptual.weight * logs[f"perceptual_{self.perceptual.kind}"]
        if config.flipped_route and config.flatness:
            logs["baked"] = self._baked(texture, height, classes, state)
            loss = loss + config.flatness * logs["baked"]
        return loss, logs

    def _baked(self, texture: Tensor, height: Tensor, classes: Tensor, state: State) -> Tensor:
        """Squared correlation of the texture's lightness with the difference of light between the two routes.

        The mean over each class of each picture is subtracted from both, because a bright class such as
        desert is not an effect of light. The discriminator alone would also remove light from a texture, but light may
        stay for thousands of steps.
        """
        with torch.no_grad():
            here, there = (state.networks["shadow"].light(self.slopes(side)) for side in (height, height.flip(FLIP)))
            apart = _within(here - there.flip((1, 2)), classes)
        lightness = _within(to_lab(texture)[:, 0], classes)
        power = lightness.square().sum() * apart.square().sum()
        return (lightness * apart).sum().square() / power.clamp_min(1e-6)

    def _unlike(self, seen: Tensor, batch: Batch) -> Tensor:
        """Perceptual distance of terrain and of height (as a grey picture) from the data's."""
        grey = [height.expand(-1, 3, -1, -1) for height in (seen[:, 3:4], batch["height"])]
        return (self.perceptual(seen[:, :3], batch["color"]) + self.perceptual(*grey)) / 2

    def _paint(self, state: State, classes: Tensor) -> tuple[Tensor, Tensor]:
        return state.networks["generator"](*self.random(classes))

    def _routes(self, state: State, texture: Tensor, height: Tensor, classes: Tensor) -> list[Tensor]:
        """The input of the discriminator for each route of one painting."""
        routes = [(texture, height, classes)]
        if self.config.flipped_route:
            routes.append(tuple(image.flip(FLIP) for image in routes[0]))
        shadow = state.networks["shadow"]
        return [self._seen(shadow(flat, self.slopes(relief)), relief, own) for flat, relief, own in routes]

    def random(self, classes: Tensor) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Arguments of the generator for a map (n, k, h, w): z, the map itself, and noise for each block."""
        n, _, height, width = classes.shape
        generator = self.networks["generator"]
        z = torch.randn(n, generator.z, device=classes.device)
        shapes = generator.shapes(height, width)
        return z, classes, [torch.randn(n, 1, *shape, device=classes.device) for shape in shapes]

    def slopes(self, height: Tensor) -> Tensor:
        """Scaled slopes (n, 2, h, w) of an encoded height (n, 1, h, w); see `shadow.slopes`."""
        return slopes(self.encoding.metres(height), self.encoding.gsd, self.encoding.slope)

    def _seen(self, terrain: Tensor, height: Tensor, classes: Tensor) -> Tensor:
        return torch.cat([terrain, height, self.slopes(height), classes], dim=1)


def _within(values: Tensor, classes: Tensor) -> Tensor:
    """Values (n, h, w) minus their mean over each class (n, k, h, w) of each picture."""
    pixels = classes.sum(dim=(2, 3)).clamp_min(1)
    means = torch.einsum("nhw,nkhw->nk", values, classes) / pixels
    return values - torch.einsum("nk,nkhw->nhw", means, classes)
