"""Windows of a plane of heights, from noise that the caller gives, so that windows which overlap can share it.

The network turns noise into ground place by place: where two windows overlap and have the same noise, their details are
nearly the same. A caller blends them, and may let the network evaluate the blend again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from models.consistency.encoding import TerrainEncoding
from models.consistency.method import Consistency

ACROSS = 2
"""Neighbours that are computed together, each way. With 4, a window takes a sixth less time, but one place then takes
four times as long. The bits depend on it."""
BATCH = ACROSS**2


class Windows:
    """Makes batches of `BATCH` windows. On a CPU, the place in the batch determines the bits, and no other window does.

    Attributes:
        px: side of a window. coarse_px: side of the blocks of `coarse`.
        across: windows of a batch, each way. count: windows of a batch.
        evaluations: numbers of evaluations that a window can have.
    """

    across, count = ACROSS, BATCH

    def __init__(self, method: Consistency, networks: nn.ModuleDict, encoding: TerrainEncoding, device: torch.device):
        self._method, self._networks, self._encoding, self._device = method, networks, encoding, device
        self.px, self.coarse_px, self.evaluations = method.shape[-1], method.config.coarse_px, method.evaluations

    def moments(self, texts: Sequence[str], chances: np.ndarray, guidance: float) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of heights that the words ask for, metres, float64 (n,) each.

        Args:
            chances: (n, 3): a number from [0, 1), and standard normal numbers.
        """
        with torch.inference_mode():
            facts, _ = self._method.draw_facts(
                self._networks, self._tensor(chances), self._given(texts, None), guidance
            )
            mean, std = self._encoding.moments(facts)
        return mean.double().cpu().numpy(), std.double().cpu().numpy()

    def first(
        self,
        noise: np.ndarray,
        texts: Sequence[str],
        guidance: float,
        coarse: np.ndarray | None = None,
        moments: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> np.ndarray:
        """Heights after one evaluation, from noise alone, float32 (BATCH, px, px) metres.

        Args:
            noise: standard normal, float32 (BATCH, px, px).
            coarse: means of blocks in metres, float32 (BATCH, px / coarse_px, px / coarse_px).
            moments: mean and deviation of the windows, (BATCH,) each; None: those that the words and `coarse` make
                likely, which have no chance in them, so that neighbours do not differ.
        """
        given = self._given(texts, coarse)
        with torch.inference_mode():
            if moments is None:
                facts = self._likely(given)
            else:
                facts = self._encoding.measured(*(self._tensor(each) for each in moments))
            level, spread = self._method.levels(1)[0]
            return self._evaluate(spread * self._tensor(noise)[:, None], level, facts, given, guidance)

    def again(
        self,
        heights: np.ndarray,
        noise: np.ndarray,
        texts: Sequence[str],
        guidance: float,
        coarse: np.ndarray | None = None,
    ) -> np.ndarray:
        """Heights after the second evaluation of `heights` (BATCH, px, px), whose mean and deviation they keep.

        The other arguments and the result are those of `first`.
        """
        image, facts = self._encoding.heights.encode(heights)
        level, spread = self._method.levels(2)[1]
        with torch.inference_mode():
            x = self._tensor(image) + spread * self._tensor(noise)[:, None]
            return self._evaluate(x, level, self._tensor(facts), self._given(texts, coarse), guidance)

    def _evaluate(
        self, x: Tensor, level: float, facts: Tensor, given: Mapping[str, Tensor], guidance: float
    ) -> np.ndarray:
        made = self._method.evaluate(self._networks, x, level, facts, given, guidance)
        return self._encoding.heights.decode(made.float().cpu().numpy(), facts.float().cpu().numpy())

    def _likely(self, given: Mapping[str, Tensor]) -> Tensor:
        """The mean of the distribution of the facts, (BATCH, k)."""
        hints, base = self._method.steering.hints(given, BATCH, self._encoding.heights.facts, self._device)
        weights, means, _ = self._networks["facts"](given.get("text"), hints, base)
        return (weights.exp()[:, :, None] * means).sum(dim=1)

    def _given(self, texts: Sequence[str], coarse: np.ndarray | None) -> dict[str, Tensor]:
        given = {}
        if self._encoding.words is not None:
            given["text"] = self._tensor(self._encoding.words.codes(list(texts)))
        if coarse is not None:
            given["coarse"] = self._tensor(coarse)
        return given

    def _tensor(self, array: np.ndarray) -> Tensor:
        array = np.asarray(array)
        return torch.from_numpy(array.astype(np.float32) if array.dtype == np.float64 else array).to(self._device)


def windows(
    method: Consistency, networks: nn.ModuleDict, encoding: TerrainEncoding, device: torch.device
) -> Windows | None:
    """The windows of a model, or None if it was trained without coarse heights, which all windows of a plane share."""
    return Windows(method, networks, encoding, device) if "coarse" in method.steering.names else None
