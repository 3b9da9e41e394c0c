"""From conditions to the inputs of the networks, and which conditions a training step hides.

The method has conditions in the form of `models.core.conditions`, as tensors; texts are the codes of the encoder. A
condition that is not given is all 255 (`labels`), all 0 (`text`, `sketch`) or all NaN (`coarse`, `known`).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from models.consistency.encoding import TerrainEncoding
from models.consistency.masks import random_parts
from models.consistency.params import Params
from models.core.conditions import NO_CLASS, majority, one_hot
from models.core.sketch import RIDGE, VALLEY

EMPTY = {"labels": float(NO_CLASS), "text": 0.0, "sketch": 0.0, "coarse": torch.nan, "known": torch.nan}
"""The value of a condition that is not given."""
DRAWN = ("sketch", "coarse", "known")
"""Conditions that training hides with `hint_dropout`."""


class Steering:
    """The conditions of one method.

    Args:
        params: as validated. px: side of a tile. classes: number of classes of the maps.
        encoding: of the heights; None if neither `coarse` nor `known` is a condition.
    Raises:
        ValueError: the parameters do not fit the tiles.
    """

    def __init__(self, params: Params, px: int, classes: int, encoding: TerrainEncoding | None):
        self.names, self._params, self._px, self._encoding = params.conditions, params, px, encoding
        patch = params.network.patch
        if "labels" in self.names and not classes:
            raise ValueError("conditions: labels are class maps, and the tiles have no classes")
        if "coarse" in self.names and (px % params.coarse_px or params.coarse_px % patch):
            raise ValueError(
                f"coarse_px: {params.coarse_px} must divide the side of a tile ({px}) and be a multiple of "
                f"network.patch ({patch})"
            )
        if {"coarse", "known"} & set(self.names) and encoding is None:
            raise ValueError("conditions: coarse and known need the encoding of the heights")
        channels = {"labels": classes, "coarse": 2, "sketch": 2, "known": 2 * patch**2}
        self._silence = None
        if "text" in self.names:
            if encoding is None or encoding.words is None:
                raise ValueError("conditions: text needs an encoder of words, and the encoding has none")
            self._silence = torch.from_numpy(encoding.words.codes([""]))
        self.maps = {name: channels[name] for name in self.names if name in channels}

    def shown(self, conditions: Mapping[str, Tensor], n: int) -> dict[str, Tensor]:
        """The conditions of n training tiles; each is hidden for random tiles, and `known` becomes random parts.

        Args:
            conditions: of whole tiles; `known` are all heights.
        """
        found = {}
        for name in self.names:
            if name not in conditions:
                continue
            values = conditions[name]
            share = self._params.hint_dropout if name in DRAWN else self._params.condition_dropout
            hidden = torch.rand(n, 1, 1, 1, device=values.device).flatten() < share
            if name == "known":
                hidden = hidden[:, None, None] | ~random_parts(n, self._px, values.device)
            hidden = hidden.reshape(*hidden.shape, *[1] * (values.dim() - hidden.dim()))
            found[name] = values.masked_fill(hidden, EMPTY[name])
        return found

    def inputs(self, conditions: Mapping[str, Tensor], facts: Tensor) -> dict[str, Tensor]:
        """The maps and the codes that the denoiser takes; a missing condition is one that no tile has.

        Args:
            facts: (n, k) of the tiles. Coarse and known heights are given to the network in their units.
        """
        n, patch, found = facts.shape[0], self._params.network.patch, {}
        side = self._px // patch
        for name, channels in self.maps.items():
            if name not in conditions:
                found[name] = torch.zeros(n, channels, side, side, device=facts.device)
            elif name == "labels":
                found[name] = majority(one_hot(conditions[name], channels), patch)
            elif name == "sketch":
                lines = torch.stack([conditions[name] == kind for kind in (RIDGE, VALLEY)], dim=1).float()
                found[name] = F.max_pool2d(lines, patch) if patch > 1 else lines
            elif name == "coarse":
                shape, exists = self._shape(conditions[name], facts)
                shape = F.interpolate(shape, size=(side, side), mode="bilinear", align_corners=False)
                found[name] = torch.cat([shape, F.interpolate(exists, size=(side, side))], dim=1)
            else:
                parts = torch.cat(self._shape(conditions[name], facts), dim=1)
                found[name] = F.pixel_unshuffle(parts, patch)
        if self._silence is not None:
            found["text"] = conditions["text"] if "text" in conditions else self.silence(n, facts.device)
        return found

    def silence(self, n: int, device: torch.device) -> Tensor:
        """The codes of n texts without words."""
        return self._silence.to(device).expand(n, *self._silence.shape[1:])

    def hints(
        self, conditions: Mapping[str, Tensor], n: int, facts: int, device: torch.device
    ) -> tuple[Tensor, Tensor]:
        """Numbers that describe coarse and known heights (n, 7), and the facts (n, facts) that these have alone.

        Of each of the two: whether it is given, its facts; of the known heights also their share of the tile. The facts
        of coarse heights count if both are given, because they cover the whole tile.
        """
        hints, base = torch.zeros(n, 0, device=device), torch.zeros(n, facts, device=device)
        for name in ("known", "coarse"):
            if name not in conditions:
                share, own = torch.zeros(n, 1, device=device), torch.zeros(n, facts, device=device)
            else:
                share, own = self._own_facts(conditions[name])
            given = (share > 0).float()
            base = torch.where(given > 0, own, base)
            parts = [given, own * given] + ([share] if name == "known" else [])
            hints = torch.cat([hints, *parts], dim=1)
        return hints, base

    def given(self, conditions: Mapping[str, Tensor], n: int, device: torch.device) -> Tensor:
        """Which tiles have a condition that says something about their facts, bool (n,)."""
        found = torch.zeros(n, dtype=torch.bool, device=device)
        for name in ("text", "coarse", "known"):
            if name in conditions:
                values = conditions[name].flatten(1)
                found |= (values != 0).any(dim=1) if name == "text" else values.isfinite().any(dim=1)
        return found

    def steered(self, conditions: Mapping[str, Tensor], n: int, device: torch.device) -> Tensor:
        """Which of n tiles have any condition, bool (n,)."""
        found = torch.zeros(n, dtype=torch.bool, device=device)
        for name, values in conditions.items():
            empty = EMPTY[name]
            flat = values.flatten(1)
            found |= (flat.isfinite() if np.isnan(empty) else flat != empty).any(dim=1)
        return found

    def _shape(self, metres: Tensor, facts: Tensor) -> tuple[Tensor, Tensor]:
        """Heights (n, 1, h, w) in standard deviations from the tile's mean, and where they are given; else 0."""
        mean, std = self._encoding.moments(facts)
        exists = metres.isfinite()
        shape = (metres - mean[:, None, None]) / std[:, None, None].clamp(min=self._encoding.heights.floor)
        return torch.where(exists, shape, 0.0)[:, None], exists[:, None].float()

    def _own_facts(self, metres: Tensor) -> tuple[Tensor, Tensor]:
        """The share of pixels that are given (n, 1), and the facts of these pixels (n, 2)."""
        values = metres.flatten(1)
        exists = values.isfinite()
        count = exists.sum(dim=1).clamp(min=1)
        mean = torch.where(exists, values, 0.0).sum(dim=1) / count
        rest = torch.where(exists, values - mean[:, None], 0.0)
        return exists.float().mean(dim=1, keepdim=True), self._encoding.measured(
            mean, (rest.square().sum(dim=1) / count).sqrt()
        )
