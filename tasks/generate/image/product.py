"""RGB pictures from noise. Each picture is a PNG without heights, ground distance or place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from tasks.core.errors import LandloomError
from tasks.generate.contact_sheet import previews
from tasks.generate.params import Params
from tasks.generate.product import Facts, Product

BATCH = 64  # pictures per batch


@dataclass(frozen=True)
class GeneratedImage:
    """One picture.

    Attributes:
        name: name of its files. facts: its origin (model, seed, index, steps). pixels: uint8 (H, W, 3).
    """

    name: str
    pixels: np.ndarray
    facts: Facts

    def check(self) -> None:
        """Accept every picture: all byte values are valid."""

    def describe(self, params: Params, shared: Any) -> Facts:
        """Its origin, its size in pixels and its mean colour."""
        rows, cols = self.pixels.shape[:2]
        seed, steps = self.facts["seed"], self.facts["steps"]
        return {
            "place": "none: generated, a picture of no place",
            **self.facts,
            "rows": rows,
            "cols": cols,
            "mean_rgb": self.pixels.mean(axis=(0, 1), dtype=np.float64).round(3).tolist(),
            "summary": f"{cols} × {rows} pixels; seed {seed}, {steps} step{'' if steps == 1 else 's'}",
            "alt": f"{self.name}: generated picture of {cols} × {rows} pixels.",
        }

    def preview(self) -> np.ndarray:
        """The picture itself."""
        return self.pixels

    def layers(self) -> Iterator[tuple[str, str, Callable[[Path], None]]]:
        """One layer: the picture in its own size."""
        yield "png", "PNG", Image.fromarray(self.pixels).save


def _make(model: Any, folder: Path, name: str, params: Params, origin: Facts) -> Iterator[GeneratedImage]:
    for start in range(0, params.count, BATCH):
        indices = range(start, min(start + BATCH, params.count))
        try:
            pictures = model.sample(indices, seed=params.seed, steps=params.steps)
        except ValueError as error:
            raise LandloomError(f"generate.steps: {params.steps}: {error}") from None
        for index, pixels in zip(indices, pictures, strict=True):
            facts = {**origin, "seed": params.seed, "index": index, "steps": params.steps}
            yield GeneratedImage(f"{name}_{index:03d}", pixels, facts)


def _sheet(pictures: list[GeneratedImage], count: int) -> Figure:
    figure = previews(pictures, [f"seed {picture.facts['seed']}" for picture in pictures])
    rows, cols = pictures[0].pixels.shape[:2]
    more = f", {len(pictures)} of {count}" if count > len(pictures) else ""
    figure.suptitle(f"Generated pictures of {cols} × {rows} pixels{more}", fontsize=10)
    return figure


PRODUCT = Product(
    title="Generated pictures",
    noun="pictures",
    check=lambda model, folder: None,
    make=_make,
    sheet=_sheet,
    figures=lambda sidecars: {},
)
