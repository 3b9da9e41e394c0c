"""A sketch of ridges and valleys: lines in two colours on white."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tasks.core.errors import LandloomError
from tasks.core.hashing import file_sha256
from tasks.formats.tables.classes import NO_CLASS
from tasks.formats.tables.drawing import read_drawing, write_drawing
from tasks.generate.steering.kind import Given, Kind
from tasks.generate.steering.pictures import shown, stem

LINES = pd.DataFrame(
    [
        {"id": 0, "name": "nothing", "red": 255, "green": 255, "blue": 255},
        {"id": 1, "name": "ridge", "red": 200, "green": 60, "blue": 30},
        {"id": 2, "name": "valley", "red": 30, "green": 90, "blue": 200},
    ]
)
"""The ids are those of the condition `sketch` (`models.core.conditions`)."""


def _read(model: Any, value: str, others: Mapping[str, str | None]) -> Given:
    path = Path(value)
    lines = read_drawing(path, LINES).labels
    lines[lines == NO_CLASS] = 0
    rows, cols = lines.shape
    if (rows, cols) != (model.px, model.px):
        raise LandloomError(
            f"{path}: {cols} × {rows} pixels, and a sketch for this model has {model.px} × {model.px}; "
            "--palette writes a blank one"
        )
    if not lines.any():
        raise LandloomError(f"{path}: there is no line; draw ridges in #c83c1e and valleys in #1e5ac8")
    ridges, valleys = (int(np.count_nonzero(lines == line)) for line in (1, 2))
    return Given(
        lines,
        stem(path.stem) or "sketch",
        {"sketch": shown(Path(path.name)), "sketch_sha256": file_sha256(path)},
        (f"{shown(path)}: {ridges:,} pixels of ridges, {valleys:,} of valleys",),
        (("sketch.png", "sketch", lambda target: write_drawing(target, lines, LINES)),),
        LINES[["red", "green", "blue"]].to_numpy(np.uint8)[lines],
    )


KIND = Kind(
    condition="sketch",
    metavar="PNG",
    help="put ridges and valleys where these lines are (colours: see --palette)",
    read=_read,
    colors=lambda model: LINES,
)
