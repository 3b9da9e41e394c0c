"""A sketch of ridges and valleys: lines in two colours on white."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from models.core.sketch import COLORS, NOTHING, RIDGE, VALLEY
from tasks.core.errors import LandloomError
from tasks.core.hashing import file_sha256
from tasks.formats.tables.classes import NO_CLASS
from tasks.formats.tables.drawing import read_drawing, write_drawing
from tasks.generate.steering.kind import Given, Kind
from tasks.generate.steering.pictures import shown, stem

LINES = pd.DataFrame(
    [
        {"id": value, "name": name, "red": red, "green": green, "blue": blue}
        for value, (name, (red, green, blue)) in enumerate(COLORS.items())
    ]
)
"""The classes of a drawing of lines."""


def _read(model: Any, value: str, others: Mapping[str, str | None]) -> Given:
    path = Path(value)
    lines = read_drawing(path, LINES).labels
    lines[lines == NO_CLASS] = NOTHING
    rows, cols = lines.shape
    if (rows, cols) != (model.px, model.px):
        raise LandloomError(
            f"{path}: {cols} × {rows} pixels, and a sketch for this model has {model.px} × {model.px}; "
            "--palette writes a blank one"
        )
    if not lines.any():
        ridge, valley = (bytes(COLORS[name]).hex() for name in ("ridge", "valley"))
        raise LandloomError(f"{path}: there is no line; draw ridges in #{ridge} and valleys in #{valley}")
    ridges, valleys = (int(np.count_nonzero(lines == line)) for line in (RIDGE, VALLEY))
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
