"""A finished model of `consistency`. It makes heights from noise, and from conditions if it was trained with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from models.consistency.encoding import TerrainEncoding
from models.consistency.exact import agree
from models.consistency.method import Consistency
from models.consistency.windows import windows
from models.core.conditions import checked, checked_shapes
from models.core.products import Conditions
from models.core.slots import SLOTS, sample_in_slots

FACTS = 1
"""Number of the random sequence of facts that follow conditions. The noise does not depend on the conditions."""


class HeightGenerator:
    """Makes heights (`models.core.products.HeightsModel`). On a CPU, no sample affects the bits of another.

    Attributes:
        method, networks, encoding: what it samples with. `models.onnx` makes another program of them.
    """

    product = "heights"

    def __init__(self, method: Consistency, networks: nn.ModuleDict, config: dict[str, Any], device: torch.device):
        self.method, self.networks, self._device = method, networks, device
        self.encoding = TerrainEncoding.from_dict(method.config, config["encoding"])
        self.config, self.px, self.gsd = config, int(config["px"]), config.get("gsd")
        self.conditions: tuple[str, ...] = method.steering.names
        self.words = self.encoding.words
        self.coarse_px = method.config.coarse_px if "coarse" in self.conditions else None
        self.most_guidance = method.config.guidance.most if method.config.baked else None
        self.classes: list[dict[str, Any]] = config.get("classes", []) if "labels" in self.conditions else []
        self.evaluations = method.evaluations
        self.windows = windows(method, networks, self.encoding, device)

    def sample(
        self,
        indices: Sequence[int] | np.ndarray,
        seed: int,
        steps: int = 1,
        conditions: Conditions | None = None,
        guidance: float = 1.0,
        passes: bool = False,
    ) -> np.ndarray:
        """Heights of the samples `indices` of `seed`, float32 (n, px, px) metres.

        Args:
            steps: network evaluations, 1 or 2.
            conditions: any of those that the model was trained with (`models.core.conditions`).
            guidance: strength of guidance by words; 1 is none.
            passes: guide by a second pass of the network, also if guidance is trained into it.
        Raises:
            ValueError: `steps`, a condition, the guidance or an index is invalid.
        """
        given = self._given(conditions, len(indices))
        self._check_guidance(guidance)
        self.method.levels(steps)  # refuses a wrong number of steps

        def make(slots: dict[int, int], filled: dict[str, np.ndarray]) -> np.ndarray:
            return self._batch(slots, seed, steps, filled, guidance, passes)

        heights = np.empty((len(indices), self.px, self.px), np.float32)
        for place, height in enumerate(sample_in_slots(indices, given, make)):
            heights[place] = height
        return heights

    def captions_near(
        self,
        indices: Sequence[int] | np.ndarray,
        seed: int,
        conditions: Conditions | None = None,
        guidance: float = 1.0,
    ) -> list[str | None]:
        """The caption of a train tile that each of these samples gets, because nothing is asked of it.

        It is None where something is asked, and where the model has no captions. The arguments are those of `sample`.
        """
        given = {name: self._tensor(array) for name, array in self._given(conditions, len(indices)).items()}
        if not self._has_captions(guidance, passes=False):
            return [None] * len(indices)
        steered = self.method.steering.steered(given, len(indices), self._device).tolist()
        near = [self._near(np.random.default_rng([seed, int(index)]))[0] for index in indices]
        captions = [self.encoding.captions[tile] or None for tile in near]
        return [None if asked else caption for asked, caption in zip(steered, captions, strict=True)]

    def _given(self, conditions: Conditions | None, n: int) -> dict[str, np.ndarray]:
        """The conditions of n samples, with the codes of texts."""
        given = checked_shapes(checked(conditions, self.conditions, n), self.px, self.coarse_px)
        if "text" in given:
            given["text"] = self.words.codes(["" if text is None else str(text) for text in given["text"]])
        return given

    def _near(self, rng: np.random.Generator) -> tuple[int, np.ndarray]:
        """The first that is drawn for a sample: a known tile, and facts (k,) near to its own."""
        return self.encoding.heights.draw_near(rng)

    def _has_captions(self, guidance: float, passes: bool) -> bool:
        """Whether samples for which nothing is asked get captions; a second pass would guide by them, too."""
        return bool(self.encoding.captions) and ((self.method.config.baked and not passes) or guidance == 1)

    def _check_guidance(self, guidance: float) -> None:
        if guidance == 1:
            return
        if self.words is None:
            raise ValueError(f"guidance {guidance:g}: this model takes no words, so there is nothing to guide by")
        if not 1 <= guidance <= (self.most_guidance or np.inf):
            most = "" if self.most_guidance is None else f" and at most {self.most_guidance:g}, as it was trained"
            raise ValueError(f"guidance {guidance:g}: it must be at least 1{most}")

    def _batch(
        self,
        slots: dict[int, int],
        seed: int,
        steps: int,
        filled: dict[str, np.ndarray],
        guidance: float,
        passes: bool,
    ) -> np.ndarray:
        facts, near = np.zeros((SLOTS, self.encoding.heights.facts), np.float32), np.zeros(SLOTS, int)
        noise = np.zeros((SLOTS, steps, *self.method.shape), np.float32)
        chances = np.zeros((SLOTS, 1 + facts.shape[1]), np.float32)
        for slot, index in slots.items():
            rng = np.random.default_rng([seed, index])
            near[slot], facts[slot] = self._near(rng)
            noise[slot] = self.method.draw(rng, steps)
            rng = np.random.default_rng([seed, index, FACTS])
            chances[slot, 0], chances[slot, 1:] = rng.random(), rng.standard_normal(facts.shape[1])
        given = {name: self._tensor(array) for name, array in filled.items()}
        with torch.inference_mode():
            if given and "facts" in self.networks:
                steered, which = self.method.draw_facts(self.networks, self._tensor(chances), given, guidance)
                facts = np.where(which.cpu().numpy()[:, None], steered.float().cpu().numpy(), facts)
            if self._has_captions(guidance, passes):
                bare = ~self.method.steering.steered(given, SLOTS, self._device)
                given["text"] = self._own_words(near, bare, given)
                if self.method.config.baked and not passes:  # guidance is for what was asked
                    guidance = torch.where(bare, 1.0, float(guidance))
            return self._evaluations(steps, self._tensor(noise), facts, given, filled, guidance, passes)

    def _own_words(self, near: np.ndarray, bare: Tensor, given: dict[str, Tensor]) -> Tensor:
        """Codes of texts, in which a terrain for which nothing is asked has the caption of its known tile.

        Most training tiles have words, so the network makes better ground with words than without.
        """
        silence = self.method.steering.silence(SLOTS, self._device)
        own = self._tensor(self.words.codes([self.encoding.captions[place] for place in near]))
        return torch.where(bare.reshape(-1, *[1] * (own.dim() - 1)), own, given.get("text", silence))

    def _evaluations(
        self,
        steps: int,
        noise: Tensor,
        facts: np.ndarray,
        given: dict[str, Tensor],
        filled: dict[str, np.ndarray],
        guidance: float | Tensor,
        passes: bool,
    ) -> np.ndarray:
        """Heights after all evaluations. Given heights are put in after each, so that the next one fits them better."""
        x = torch.zeros_like(noise[:, 0])
        for step, (level, spread) in enumerate(self.method.levels(steps)):
            x = x + spread * noise[:, step]
            x = self.method.evaluate(self.networks, x, level, self._tensor(facts), given, guidance, passes)
            heights = self.encoding.heights.decode(x.float().cpu().numpy(), facts)
            if "coarse" in filled or "known" in filled:
                heights = self._agreed(heights, filled)
                if step + 1 < steps:
                    image, facts = self.encoding.heights.encode(heights)
                    x = self._tensor(image)
        return heights

    @staticmethod
    def _agreed(heights: np.ndarray, filled: dict[str, np.ndarray]) -> np.ndarray:
        parts = [filled[name] if name in filled else [None] * len(heights) for name in ("coarse", "known")]
        return np.stack([agree(*each) for each in zip(heights, *parts, strict=True)])

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(array).to(self._device)
