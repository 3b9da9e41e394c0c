"""Upscaling: a coarse terrain whose details the model makes. The mean height of each coarse pixel is kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tasks.core.hashing import file_sha256
from tasks.generate.steering.kind import Given, Kind
from tasks.generate.steering.pictures import shown, stem
from tasks.generate.steering.rasters import fitting
from tasks.generate.terrain.place import Place
from tasks.relief.shade.hillshade import shaded_relief


def _read(model: Any, value: str, others: Mapping[str, str | None]) -> Given:
    path, factor = Path(value), int(model.coarse_px)
    side = model.px // factor
    found = fitting(path, side, model.gsd * factor, f"upscaling by {factor} with this model")
    fine = Place(found.place.name, found.place.crs, found.place.transform @ found.place.transform.scale(1 / factor))
    facts = {"upscale": shown(Path(path.name)), "upscale_sha256": file_sha256(path), "upscale_factor": factor}
    voids = int(np.isnan(found.height).sum())
    notes = [f"{shown(path)}: {side} × {side} pixels become {model.px} × {model.px}"]
    if voids:
        notes.append(f"{voids:,} of them are voids: the model makes up what lies there")
    picture = shaded_relief(found.height, found.gsd)
    return Given(found.height, stem(path.stem) or "upscale", facts, tuple(notes), (), picture, fine)


KIND = Kind(condition="coarse", metavar="TIF", help="make the details of this coarse terrain", read=_read, exact=True)
