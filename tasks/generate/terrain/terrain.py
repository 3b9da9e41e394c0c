"""A generated terrain, as every writer takes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tasks.relief.shade.hillshade import shaded_relief


@dataclass(frozen=True)
class Terrain:
    """Heights, and what was painted with them.

    Attributes:
        name: of its files. facts: where it comes from (model, seed, index, steps, drawing), told in its files.
        height: float32 (H, W) metres, row 0 in the north. gsd: metres a pixel.
        texture: uint8 (H, W, 3), flat, without sun; shaded: the same in the sun; labels: the drawing, class ids uint8
            (H, W). None where the model makes heights alone.
    """

    name: str
    height: np.ndarray
    gsd: float
    facts: dict[str, Any]
    texture: np.ndarray | None = None
    shaded: np.ndarray | None = None
    labels: np.ndarray | None = None

    def skin(self) -> np.ndarray:
        """What a mesh wears, uint8 (H, W, 3): the texture, or the tints of its heights; who renders it adds the sun."""
        if self.texture is not None:
            return self.texture
        return shaded_relief(self.height, self.gsd, exaggeration=0.0)
