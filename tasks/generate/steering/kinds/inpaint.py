"""Inpainting: a terrain with holes that the model fills. All other pixels stay what they are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tasks.core.errors import LandloomError
from tasks.core.hashing import file_sha256
from tasks.generate.steering.kind import Given, Kind
from tasks.generate.steering.pictures import read_mask, shown, stem
from tasks.generate.steering.rasters import fitting
from tasks.relief.shade.hillshade import shaded_relief


def _read(model: Any, value: str, others: Mapping[str, str | None]) -> Given:
    path, mask = Path(value), others["mask"]
    known = fitting(path, model.px, model.gsd, "this model")
    height, facts = known.height.copy(), {"inpaint": shown(Path(path.name)), "inpaint_sha256": file_sha256(path)}
    if mask is not None:
        height[read_mask(Path(mask), model.px)] = np.nan
        facts |= {"mask": shown(Path(Path(mask).name)), "mask_sha256": file_sha256(Path(mask))}
    hole = np.isnan(height)
    made = int(hole.sum())
    if not made:
        raise LandloomError(f"{path}: no pixel is a void, so nothing is to be made; say where with --mask")
    if made == height.size:
        raise LandloomError(f"{path}: the mask leaves no known height; it is white where the model makes the ground")
    return Given(
        height,
        stem(path.stem) or "inpaint",
        facts | {"made_pixels": made},
        (f"{shown(path)}: {height.size - made:,} pixels are kept, {made:,} are made",),
        picture=shaded_relief(height, known.gsd),
        place=known.place,
        hole=hole,
    )


KIND = Kind(
    condition="known",
    metavar="TIF",
    help="keep this terrain, and make the ground where it has voids or the mask is white",
    read=_read,
    exact=True,
    also={"mask": ("PNG", "with --inpaint: white where the ground is to be made, black where it is kept")},
)
