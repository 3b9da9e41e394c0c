"""What a catalogue states of the heights in a raster, beside the file itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from rasterio.io import DatasetReader


@dataclass(frozen=True)
class Beside:
    """Unit, scale and offset as a catalogue states them; null where it says nothing."""

    unit: str | None = None
    scale: float | None = None
    offset: float | None = None

    def scaled(self, dataset: DatasetReader, problems: list[str]) -> tuple[float, float]:
        """Scale and offset of the stored numbers. What the file and the catalogue say of them must agree.

        A file that has neither says nothing, so the catalogue decides. A contradiction becomes a problem.
        """
        own = float(dataset.scales[0]), float(dataset.offsets[0])
        if self.scale is None and self.offset is None:
            return own
        stated = 1.0 if self.scale is None else self.scale, self.offset or 0.0
        if own != (1.0, 0.0) and not np.allclose(own, stated, rtol=1e-6, atol=1e-9):
            said = [f"scale {scale:g} and offset {offset:g}" for scale, offset in (stated, own)]
            problems.append(f"its catalogue says {said[0]}, and the file {said[1]}")
        return stated
