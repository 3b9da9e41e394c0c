"""Principal directions of the space of styles, and what a step along each does to a picture."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from tasks.core.settings import Strict
from tasks.generate.explore.part import Part, Shown, Task

CHUNK = 4096


class Settings(Strict):
    """The analysis and its sheet."""

    samples: int = Field(50_000, ge=100, le=10_000_000)
    """Random styles that the directions are computed from. They cost no pictures."""
    count: int = Field(6, ge=1, le=64)
    """Directions on the sheet, by the share of the variance that they explain."""
    reach: float = Field(2.0, gt=0, le=10)
    """Largest step on the sheet, in standard deviations along the direction."""
    columns: int = Field(5, ge=3, le=15)
    """Steps on the sheet, from -reach to +reach."""
    start: int | None = Field(None, ge=0)
    """Sample that the steps start from; null: the mean style."""
    names: dict[int, str] = {}
    """Names that a person gives directions, as `{1: more water}`; the first direction is 1."""


def _make(task: Task, settings: Settings, folder: Path) -> Shown:
    import numpy as np

    from models.core.tensor_file import write_tensors
    from models.explore.latent import render
    from tasks.generate.explore.principal import principal
    from tasks.generate.explore.sheets import sheet

    space = task.space
    if wrong := sorted(number for number in settings.names if not 1 <= number <= space.width):
        raise ValueError(f"names: direction {wrong[0]} does not exist; they count from 1 to {space.width}")
    total = settings.samples

    def chunks():
        for start in range(0, total, CHUNK):
            yield space.points(range(start, min(start + CHUNK, total)), task.seed)

    found = principal(chunks())
    count = min(settings.count, space.width)
    base = found.mean if settings.start is None else space.points([settings.start], task.seed)[0]
    steps = np.linspace(-settings.reach, settings.reach, settings.columns)
    moves = steps[None, :, None] * (found.deviations[:count, None] * found.directions[:count])[:, None]
    points = (base + moves).astype(np.float32).reshape(-1, space.width)
    pictures = render(space, points, space.noise(0, task.seed))
    pictures = pictures.reshape(count, settings.columns, *pictures.shape[1:])
    tensors = {name: getattr(found, name).astype(np.float32) for name in ("mean", "directions", "deviations", "shares")}
    write_tensors(folder / "directions.safetensors", tensors)
    shares = [f"{100 * share:.1f} %" for share in found.shares[:count]]
    named = [settings.names.get(number + 1, "") for number in range(count)]
    rows = [f"{number + 1}{f' {name}' if name else ''}\n{shares[number]}" for number, name in enumerate(named)]
    table = [
        {"direction": number + 1, "name": named[number] or "–", "share of the variance": shares[number]}
        for number in range(count)
    ]
    half = int(np.searchsorted(np.cumsum(found.shares), 0.5)) + 1
    text = (
        f"Principal directions of {space.name}, exact, from {total:,} random styles: each row is a step along one "
        f"direction from {'the mean style' if settings.start is None else f'sample {settings.start}'}. "
        f"{half} of {space.width} directions explain half of the variance."
    )
    figure = sheet(pictures, f"Principal directions of {space.name}", rows, [f"{step:+g} σ" for step in steps])
    return Shown(text, figure, table)


PART = Part(
    title="Directions of latent space",
    help="principal directions of the space of styles and their effects",
    needs="styles",
    settings=Settings,
    make=_make,
    files={"directions.safetensors": "Directions (safetensors)"},
)
