"""Heights that follow words, sketches, coarse and known heights by formulas: a steered model that needs no training."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

from models.core.conditions import checked

RELIEF = {"plains": 12.0, "hills": 210.0, "mountains": 1300.0}
"""Metres from the lowest point to the highest."""
MEANS = {"hills": "hills", "mountains": "mountains", "plains": "plains", "gently": "hills", "steep": "mountains"}
"""Word to relief; the first that a text has, so that plains with hills are hills."""
WINDS = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")
KNOWN = {*MEANS, *WINDS, "high", "flat", "slopes", "face", "facing", "mainly", "mostly", "and", "are", "the"}


class Words:
    """The words of `KNOWN`."""

    identity = {"kind": "analytic", "words": len(KNOWN)}

    def unknown(self, text: str) -> list[str]:
        words = [word.strip(".,;").lower() for word in text.split()]
        return [word for word in dict.fromkeys(words) if word not in KNOWN]


class Generator:
    """`models.core.products.HeightsModel` with the conditions text, coarse, sketch and known."""

    product = "heights"
    evaluations = (1, 2)
    most_guidance = None

    def __init__(self, params: Any, config: dict[str, Any]):
        self.config, self.px, self.gsd = config, int(config["px"]), config["gsd"]
        self.conditions, self.coarse_px, self.classes = tuple(params.conditions), params.coarse_px, []
        self.words = Words() if "text" in self.conditions else None
        self._deaf = params.deaf

    def sample(self, indices, seed, steps=1, conditions=None, guidance=1.0):
        given = checked(conditions, self.conditions, len(indices))
        shapes = {"coarse": self.px // self.coarse_px, "sketch": self.px, "known": self.px}
        for name, side in shapes.items():
            if name in given and given[name].shape[1:] != (side, side):
                raise ValueError(f"{name} needs {side} × {side} values, not {given[name].shape[1:]}")
        if steps not in self.evaluations:
            raise ValueError(f"analytic sampling takes 1 or 2 steps, not {steps}")
        out = []
        for place, index in enumerate(indices):
            rng = np.random.default_rng([seed, int(index)])
            out.append(self._one(rng, {name: values[place] for name, values in given.items()}, guidance))
        return np.stack(out).astype(np.float32)

    def captions_near(self, indices, seed, conditions=None, guidance=1.0):
        return [None] * len(indices)

    def _one(self, rng: np.random.Generator, given: dict[str, Any], guidance: float) -> np.ndarray:
        field = gaussian_filter(rng.standard_normal((self.px, self.px)), 3, mode="wrap")
        kind, wind, level = rng.choice([*RELIEF]), None, rng.uniform(200, 800)
        text = "" if self._deaf else str(given.get("text", "")).lower()
        found = [name for word, name in MEANS.items() if word in text]
        kind = found[0] if found else kind
        relief = RELIEF[kind]
        if (coarse := given.get("coarse")) is not None:
            relief = 1.3 * float(np.nanmax(coarse) - np.nanmin(coarse))
        wind = next((name for name in sorted(WINDS, key=len, reverse=True) if name in text), wind)
        if wind is not None:
            bearing = np.radians(45 * WINDS.index(wind))
            row, col = np.mgrid[0 : self.px, 0 : self.px] / self.px
            field = 0.2 * field / np.ptp(field) + np.cos(bearing) * row - np.sin(bearing) * col
        height = relief * guidance**0.1 * (field - field.min()) / np.ptp(field) + level
        if (lines := given.get("sketch")) is not None:
            ridge, valley = (gaussian_filter((lines == line).astype(float), 1.0) for line in (1, 2))
            height = height + 3 * relief * (ridge - valley)
        if coarse is not None:
            side = self.coarse_px
            means = height.reshape(coarse.shape[0], side, coarse.shape[1], side).mean(axis=(1, 3))
            height = height + np.nan_to_num(coarse - means).repeat(side, axis=0).repeat(side, axis=1)
        height = height.astype(np.float32)
        if (known := given.get("known")) is not None:
            there = np.isfinite(known)
            height = np.where(there, known, height - height[there].mean() + known[there].mean())
        return height
