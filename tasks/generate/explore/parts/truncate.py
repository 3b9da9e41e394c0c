"""A truncation sweep: the same samples nearer to the mean style and further from it."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from tasks.core.settings import Strict
from tasks.generate.explore.part import Part, Shown, Task


class Settings(Strict):
    """The sweep."""

    samples: int = Field(4, ge=2, le=64)
    """Rows: samples 0, 1, 2, … of the seed."""
    psi: list[float] = Field([0.0, 0.3, 0.5, 0.7, 0.85, 1.0, 1.2], min_length=1, max_length=16)
    """Columns: factors on the distance from the mean style. 0 is the mean, 1 is the sample itself."""


def _make(task: Task, settings: Settings, folder: Path) -> Shown:
    import numpy as np

    from models.explore.latent import render, truncated
    from tasks.generate.explore.sheets import sheet

    space, noise = task.space, task.space.noise(0, task.seed)
    points = space.points(range(settings.samples), task.seed)
    columns = [render(space, truncated(space, points, psi), noise) for psi in settings.psi]
    table = []
    for psi, pictures in zip(settings.psi, columns, strict=True):
        spread = pictures.astype(np.float64).std(axis=0).mean()
        table.append({"ψ": psi, "mean deviation between the samples, of 255": round(float(spread), 2)})
    lines = [[column[row] for column in columns] for row in range(settings.samples)]
    text = "Truncation: each row is one sample, moved towards the mean style (ψ = 0) and beyond itself (ψ > 1)."
    return Shown(text, sheet(lines, "Truncation sweep", columns=[f"ψ = {psi:g}" for psi in settings.psi]), table)


PART = Part(
    title="Truncation",
    help="the same samples nearer to the mean style and further from it",
    needs="styles",
    settings=Settings,
    make=_make,
)
