"""A film along a closed path through latent space."""

from __future__ import annotations

import math
from pathlib import Path

from pydantic import Field

from tasks.core.settings import Strict
from tasks.generate.explore.part import Part, Shown, Task

SHOWN, COLUMNS = 24, 6  # frames on the sheet
SIDE = 256  # smaller pictures are enlarged to at least this side


class Settings(Strict):
    """The path and the film."""

    points: int = Field(6, ge=3, le=500)
    """Samples that the path goes through: samples 0, 1, 2, … of the seed."""
    between: int = Field(24, ge=2, le=1000)
    """Frames from one sample to the next."""
    fps: int = Field(24, ge=1, le=120)
    """Frames a second."""
    truncation: float = Field(1.0, ge=0, le=2)
    """Distance of the points from the mean, as a factor. Below 1, pictures are safer and more alike."""


def _make(task: Task, settings: Settings, folder: Path) -> Shown:
    from models.core.slots import SLOTS
    from models.explore.latent import render, truncated
    from tasks.generate.explore.sheets import sheet
    from tasks.generate.explore.spline import closed_path
    from tasks.generate.explore.video import write_video

    space, count = task.space, settings.points * settings.between
    points = truncated(space, space.points(range(settings.points), task.seed), settings.truncation)
    path, noise = space.fit(closed_path(points, settings.between)), space.noise(0, task.seed)
    scale, shown = max(1, math.ceil(SIDE / space.px)), {}
    every = max(1, count // SHOWN)

    def frames():
        for start in range(0, count, SLOTS):
            for number, picture in enumerate(render(space, path[start : start + SLOTS], noise), start=start):
                if number % every == 0 and len(shown) < SHOWN:
                    shown[number] = picture
                yield picture.repeat(scale, axis=0).repeat(scale, axis=1)

    write_video(folder / "film.mp4", frames(), settings.fps)
    numbers = list(shown)
    lines = [numbers[start : start + COLUMNS] for start in range(0, len(numbers), COLUMNS)]
    text = (
        f"{count} frames, {count / settings.fps:.3g} s: a closed cubic spline in {space.name} through "
        f"{settings.points} samples; the noise is the same in all frames."
    )
    figure = sheet(
        [[shown[number] for number in line] for line in lines],
        f"Film through latent space: every {every}th of {count} frames" if every > 1 else "Film through latent space",
        captions=[[f"{number / settings.fps:.2f} s" for number in line] for line in lines],
    )
    return Shown(text, figure)


PART = Part(
    title="Film through latent space",
    help="a film along a closed path through latent space",
    needs="points",
    settings=Settings,
    make=_make,
    files={"film.mp4": "Film (MP4)"},
)
