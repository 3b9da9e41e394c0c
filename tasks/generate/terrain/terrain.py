"""A generated terrain, the input of every writer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from tasks.core.errors import LandloomError
from tasks.formats.tables.drawing import write_drawing
from tasks.generate.params import Params
from tasks.generate.terrain.codes import Span, span
from tasks.generate.terrain.place import Place
from tasks.relief.shade.hillshade import shaded_relief

NO_PLACE = "none: generated, no place on Earth"
PREVIEW_PX = 512  # smaller previews are enlarged, so that people can see details


@dataclass(frozen=True)
class Terrain:
    """Heights, with texture and drawing if the terrain was painted.

    Attributes:
        name: name of its files. facts: its origin (model, seed, index, steps, drawing), stored in its files.
        height: float32 (H, W) metres, row 0 in the north. gsd: metres a pixel.
        texture: uint8 (H, W, 3), flat, without sun. shaded: the texture in the sun. Both are None if the model makes
            only heights.
        labels: the drawing, class ids uint8 (H, W), and its classes; None without a drawing.
        place: where on Earth it lies; None for a terrain of no place. given: files that show what steered it.
    """

    name: str
    height: np.ndarray
    gsd: float
    facts: dict[str, Any]
    texture: np.ndarray | None = None
    shaded: np.ndarray | None = None
    labels: np.ndarray | None = None
    classes: pd.DataFrame | None = None
    place: Place | None = None
    given: tuple[tuple[str, str, Callable[[Path], None]], ...] = ()

    def skin(self) -> np.ndarray:
        """The texture of a mesh, uint8 (H, W, 3), without sun: the painted one, or the tints of the heights."""
        if self.texture is not None:
            return self.texture
        return shaded_relief(self.height, self.gsd, exaggeration=0.0)

    def check(self) -> None:
        """Raise `LandloomError` if a height is not a number."""
        if not np.isfinite(self.height).all():
            raise LandloomError(
                f"{self.name}: the model gave heights that are not numbers; train it longer or sample it in more steps"
            )

    def describe(self, params: Params, shared: Span | None) -> dict[str, Any]:
        """Entries of the sidecar. `shared` is the range of metres that 16-bit codes span, or None."""
        rows, cols = self.height.shape
        low, high = float(self.height.min()), float(self.height.max())
        seed, steps = self.facts["seed"], self.facts["steps"]
        said = f"“{self.facts['text']}”: " if self.facts.get("text") else ""
        return {
            "place": NO_PLACE if self.place is None else f"generated within the ground of {self.place.name}",
            **self.facts,
            "rows": rows,
            "cols": cols,
            "gsd_m": self.gsd,
            "side_m": [rows * self.gsd, cols * self.gsd],
            "height": {
                "low_m": low,
                "high_m": high,
                "mean_m": float(self.height.mean(dtype=np.float64)),
                "unit": "metre",
            },
            "scale": params.scale.model_dump(),
            "range": "its own" if shared is None else "shared by all terrains of this folder",
            "summary": f"{said}{self.range}; seed {seed}, {steps} step{'' if steps == 1 else 's'}",
            "alt": f"{self.name}: generated terrain from {self.range}.",
        }

    @property
    def range(self) -> str:
        """Lowest and highest height, in words."""
        return f"{self.height.min():,.0f} to {self.height.max():,.0f} m"

    def preview(self) -> np.ndarray:
        """The lit texture, or the tinted hillshade of the heights, as uint8 RGB. A whole factor enlarges small ones."""
        picture = shaded_relief(self.height, self.gsd) if self.shaded is None else self.shaded
        rows, cols = picture.shape[:2]
        factor = max(1, PREVIEW_PX // max(rows, cols))
        return np.asarray(Image.fromarray(picture).resize((cols * factor, rows * factor), Image.Resampling.BICUBIC))

    def layers(self) -> Iterator[tuple[str, str, Callable[[Path], None]]]:
        """The preview; for a painting also its texture and drawing."""
        yield "png", "preview", Image.fromarray(self.preview()).save
        if self.texture is not None:
            yield "texture.png", "texture", Image.fromarray(self.texture).save
        if self.labels is not None and self.classes is not None:
            yield "labels.png", "drawing", lambda path: write_drawing(path, self.labels, self.classes)
        yield from self.given


def share_range(params: Params, made: Iterable[Terrain]) -> tuple[Iterable[Terrain], Span | None]:
    """The terrains, and the range of metres that their codes share (None without `shared_range`).

    With `shared_range`, all terrains are held in memory, because the range is known only after the last terrain.
    """
    if not params.shared_range:
        return made, None
    made = list(made)
    return made, span(terrain.height for terrain in made)


def relief_figures(sidecars: list[dict[str, Any]]) -> dict[str, float]:
    """The median relief of the terrains, in metres."""
    ranges = [sidecar["height"]["high_m"] - sidecar["height"]["low_m"] for sidecar in sidecars]
    return {"median_relief_m": float(np.median(ranges))}


def kilometres(metres: float) -> str:
    """A length in kilometres with about three digits and no power of ten: `5,120`, `5.76`, `0.32`."""
    value = metres / 1000
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def metric_title(terrains: list[Terrain], shown: int, count: int) -> str:
    """The heading of a sheet of terrains of one size."""
    gsd = terrains[0].gsd
    high, wide = (kilometres(side * gsd) for side in terrains[0].height.shape)
    more = f", {shown} of {count}" if count > shown else ""
    return f"Generated terrains, {wide} × {high} km, {gsd:g} m a pixel{more}"
