"""RGB pictures without a place: a sky over a ground, in colours of their own."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter
from tasks.acquire.sources.drawn.params import Params

from tasks.acquire.common.area import Area
from tasks.acquire.common.context import Context
from tasks.acquire.common.source import Candidate, Delivery, Source


def open_source(params: Params, area: Area, context: Context) -> Source:
    """The pictures, wherever the area."""
    return Drawn(params)


class Drawn:
    """Candidates."""

    def __init__(self, params: Params):
        self._params = params

    def items(self) -> Iterator[Candidate]:
        """One candidate a picture."""
        for number in range(self._params.pictures):
            name = f"evening_{number:03}.png"
            yield Candidate(
                key=name,
                name=name,
                source="drawn",
                licence="CC0-1.0",
                attribution="Nobody: drawn by numpy",
                deliver=partial(_draw, name=name, number=number, px=self._params.px),
                layers=("color",),
                procedural=True,
            )


def _draw(folder: Path, name: str, number: int, px: int) -> Delivery:
    rng = np.random.default_rng([42, number])
    fine = gaussian_filter(rng.standard_normal((px, px, 3)), (2, 4, 0)) * 120
    skyline = px * (0.3 + 0.4 * rng.random()) + 40 * gaussian_filter(rng.standard_normal(px), 6)
    ground = (np.arange(px)[:, None] > skyline)[..., None]
    colors = rng.normal((210, 150, 110), 25), rng.normal((60, 70, 90), 20)
    picture = np.where(ground, colors[1] + fine, colors[0] + fine / 3)
    Image.fromarray(np.rint(np.clip(picture, 0, 255)).astype(np.uint8)).save(folder / name)
    return Delivery()
