"""One evaluation of a terrain model as a single network: random numbers and conditions in, heights in metres out.

Everything between noise and metres is inside: the choice of relief and elevation by words, and the inverse of
`models.core.height_encoding`, whose cosine transforms become products with fixed matrices.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from scipy.fft import dct
from torch import Tensor, nn

INPUTS = {
    "noise": "float32 (n, 1, px, px): standard normal numbers",
    "facts": "float32 (n, 2): absolute relief and elevation of a terrain that no words describe, see `known`",
    "text": "int64 (n, length): codes of the words; all 0 without words",
    "chances": "float32 (n, 3): a number from [0, 1) and two standard normal numbers, which choose among the reliefs "
    "and elevations that fit the words",
    "guidance": "float32 (n,): strength of guidance by words; 1 is none",
    "sketch": "float32 (n, px, px): 0 nothing, 1 ridge line, 2 valley line",
}
"""The meaning of each input. A model has the inputs of its conditions."""


class Terrain(nn.Module):
    """A finished model of heights that has the parts of `models.consistency.generator.HeightGenerator`.

    Attributes:
        inputs: names of the inputs, in the order of the arguments.
    """

    def __init__(self, model: Any):
        super().__init__()
        self._method, self._encoding = model.method, model.encoding
        self._networks = nn.ModuleDict(model.networks)
        text, sketch, guided = "text" in model.conditions, "sketch" in model.conditions, model.most_guidance is not None
        wanted = {"text": text, "chances": text, "guidance": text and guided, "sketch": sketch}
        self.inputs = ["noise", "facts", *(name for name, is_in in wanted.items() if is_in)]
        side = np.arange(model.px)
        cosines = dct(np.eye(model.px), axis=0, norm="ortho")
        back = (1 + np.hypot(side[:, None], side)) ** -model.encoding.heights.emphasis
        self.register_buffer("_cosines", torch.from_numpy(cosines).float(), persistent=False)
        self.register_buffer("_back", torch.from_numpy(back).float(), persistent=False)
        [(self._level, self._spread)] = model.method.levels(1)

    def forward(self, noise: Tensor, facts: Tensor, *rest: Tensor) -> Tensor:
        """Heights (n, px, px) in metres; the inputs are those of `inputs`."""
        given = dict(zip(self.inputs[2:], rest, strict=True))
        guidance = given.pop("guidance", 1.0)
        chances = given.pop("chances", None)
        if chances is not None:
            steered, which = self._method.draw_facts(self._networks, chances, {"text": given["text"]}, guidance)
            facts = torch.where(which[:, None], steered, facts)
        image = self._method.evaluate(self._networks, self._spread * noise, self._level, facts, given, guidance)
        shape = self._cosines.T @ (self._back * (self._cosines @ image[:, 0] @ self._cosines.T)) @ self._cosines
        shape = shape - shape.mean(dim=(1, 2), keepdim=True)
        mean, std = self._encoding.moments(facts)
        scale = std / shape.square().mean(dim=(1, 2)).sqrt().clamp(min=1e-12)
        return mean[:, None, None] + scale[:, None, None] * shape
