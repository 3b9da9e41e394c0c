"""A matrix of mixed styles: the coarse layers of one sample with the fine layers of another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from tasks.core.settings import Strict
from tasks.generate.explore.part import Part, Shown, Task

if TYPE_CHECKING:
    import numpy as np


class Settings(Strict):
    """The matrix."""

    columns: int = Field(6, ge=1, le=32)
    """Samples that give the coarse layers: samples 0, 1, 2, … of the seed."""
    rows: int = Field(4, ge=1, le=32)
    """Samples that give the fine layers: the samples after those of the columns."""
    cut: int | None = Field(None, ge=1)
    """Number of coarse layers; null: half of the layers. A picture of 64 pixels has 10 layers, two for each side."""
    truncation: float = Field(1.0, ge=0, le=2)
    """Distance of the points from the mean, as a factor."""


def _make(task: Task, settings: Settings, folder: Path) -> Shown:
    from models.explore.latent import render, truncated
    from tasks.generate.explore.sheets import sheet

    space = task.space
    cut = settings.cut or space.layers // 2
    if cut >= space.layers:
        raise ValueError(f"cut: {cut}, and this model has {space.layers} layers, so it must be lower")
    points = space.points(range(settings.columns + settings.rows), task.seed)
    points = truncated(space, points, settings.truncation)
    coarse, fine = points[: settings.columns], points[settings.columns :]
    noise = space.noise(0, task.seed)
    plain = render(space, points, noise)
    mixed = render(space, mixtures(coarse, fine, space.layers, cut).reshape(-1, space.layers, space.width), noise)
    mixed = mixed.reshape(settings.rows, settings.columns, *mixed.shape[1:])
    top = [None, *plain[: settings.columns]]
    lines = [[plain[settings.columns + row], *mixed[row]] for row in range(settings.rows)]
    text = (
        f"Style mixing: the {cut} coarse layers come from the sample at the top of the column, the "
        f"{space.layers - cut} fine layers from the sample at the left of the row; the noise is the same everywhere."
    )
    return Shown(text, sheet([top, *lines], f"Style mixing: {cut} coarse layers by column, the others by row"))


def mixtures(coarse: np.ndarray, fine: np.ndarray, layers: int, cut: int) -> np.ndarray:
    """Styles (rows, columns, layers, width): layers before `cut` from coarse (columns, w), the others from fine."""
    import numpy as np

    out = np.empty((len(fine), len(coarse), layers, coarse.shape[1]), np.float32)
    out[:, :, :cut] = coarse[None, :, None]
    out[:, :, cut:] = fine[:, None, None]
    return out


PART = Part(
    title="Style mixing",
    help="a matrix of mixed styles: coarse layers by column, fine layers by row",
    needs="styles",
    settings=Settings,
    make=_make,
)
