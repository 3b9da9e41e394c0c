"""A drawing of the model's classes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tasks.core.hashing import file_sha256
from tasks.formats.tables.classes import NO_CLASS
from tasks.formats.tables.drawing import read_drawing, write_drawing
from tasks.generate.steering.kind import Given, Kind
from tasks.generate.steering.pictures import shown, stem


def _classes(model: Any) -> pd.DataFrame:
    return pd.DataFrame(model.config["classes"])


def _read(model: Any, value: str, others: Mapping[str, str | None]) -> Given:
    path, classes = Path(value), _classes(model)
    read = read_drawing(path, classes)
    rows, cols = read.labels.shape
    notes = [f"{shown(path)}: {cols} × {rows} pixels, {read.changed:,} changed to the nearest class"]
    none = int(np.count_nonzero(read.labels == NO_CLASS))
    if none:
        notes.append(f"{none:,} pixels have no class: the model makes up what lies there")
    palette = np.full((256, 3), 255, np.uint8)
    palette[classes["id"]] = classes[["red", "green", "blue"]]
    return Given(
        read.labels,
        stem(path.stem) or "drawing",
        {"drawing": shown(Path(path.name)), "drawing_sha256": file_sha256(path), "changed_pixels": read.changed},
        tuple(notes),
        (("labels.png", "drawing", lambda target: write_drawing(target, read.labels, classes)),),
        palette[read.labels],
    )


KIND = Kind(
    condition="labels",
    metavar="PNG",
    help="paint this drawing, in the model's class colours (see --palette)",
    read=_read,
    colors=_classes,
)
